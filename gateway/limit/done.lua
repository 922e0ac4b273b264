-- Corrects what ended calls have taken, and ends their leases.
-- KEYS: two a call and scope: its meters, its leases.
-- ARGV: five each: the lease's name, the tokens that are given back (taken, when negative), requests and tokens a minute, parallel calls.
local unit, most = 60000, 1e15
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function text(n) return string.format('%.0f', n) end

local function debt(stored, limit, gone)
  return math.max(0, (stored and tonumber(stored) or 0) - gone * limit)
end

for i = 1, #KEYS / 2 do
  local id, back = ARGV[5 * i - 4], tonumber(ARGV[5 * i - 3])
  local requests, tokens, parallel = tonumber(ARGV[5 * i - 2]), tonumber(ARGV[5 * i - 1]), tonumber(ARGV[5 * i])
  if tokens > 0 and back ~= 0 then
    local key = KEYS[2 * i - 1]
    local v = redis.call('HMGET', key, 'at', 'requests', 'tokens')
    local gone = v[1] and math.max(0, now - tonumber(v[1])) or 0
    local r = requests > 0 and debt(v[2], requests, gone) or 0
    local t = math.min(most, math.max(0, debt(v[3], tokens, gone) - back * unit))
    local life = 1000 + math.ceil(t / tokens)
    if requests > 0 then life = math.max(life, 1000 + math.ceil(r / requests)) end
    redis.call('HSET', key, 'at', text(now), 'requests', text(r), 'tokens', text(t))
    redis.call('PEXPIRE', key, text(life))
  end
  if parallel > 0 then redis.call('ZREM', KEYS[2 * i], id) end
end
return 1
