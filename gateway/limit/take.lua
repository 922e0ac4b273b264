-- Decides a call against all of its limits, and takes from all of them or from none.
-- KEYS: two a scope: its meters, its leases.
-- ARGV: the lease's name, the call's tokens, the lease's length in ms; then three a scope: requests and tokens a minute, parallel calls.
-- Returns 1, or 0 with the scope's number, the limit's number, what remains, and in ms the time until nothing of it is taken and until
-- the call would be let through; the last is -1 for never.
local unit = 60000
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local id, tokens, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local function text(n) return string.format('%.0f', n) end

local function debt(stored, limit, gone)
  return math.max(0, (stored and tonumber(stored) or 0) - gone * limit)
end

local worst
local function refuse(scope, by, remaining, reset, wait)
  if not worst or (worst[5] >= 0 and (wait < 0 or wait > worst[5])) then worst = {scope, by, remaining, reset, wait} end
end

-- meter refuses n more of what has a debt already, where they do not fit.
local function meter(scope, by, owed, n, limit)
  local over = owed + n * unit - limit * unit
  if over <= 0 then return end
  local remaining = math.max(0, math.floor((limit * unit - owed) / unit))
  local wait = math.ceil(over / limit)
  if n > limit then wait = -1 end
  refuse(scope, by, remaining, math.ceil(owed / limit), wait)
end

local found = {}
for i = 1, #KEYS / 2 do
  local s = {tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3]), 0, 0}
  if s[1] > 0 or s[2] > 0 then
    local v = redis.call('HMGET', KEYS[2 * i - 1], 'at', 'requests', 'tokens')
    local gone = v[1] and math.max(0, now - tonumber(v[1])) or 0
    if s[1] > 0 then
      s[4] = debt(v[2], s[1], gone)
      meter(i, 1, s[4], 1, s[1])
    end
    if s[2] > 0 then
      s[5] = debt(v[3], s[2], gone)
      meter(i, 2, s[5], tokens, s[2])
    end
  end
  if s[3] > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[2 * i], '-inf', text(now))
    if redis.call('ZCARD', KEYS[2 * i]) >= s[3] then refuse(i, 3, 0, 1000, 1000) end
  end
  found[i] = s
end
if worst then return {0, worst[1], worst[2], worst[3], worst[4], worst[5]} end

for i, s in ipairs(found) do
  local life = 1000
  if s[1] > 0 then
    s[4] = s[4] + unit
    life = math.max(life, 1000 + math.ceil(s[4] / s[1]))
  end
  if s[2] > 0 then
    s[5] = s[5] + tokens * unit
    life = math.max(life, 1000 + math.ceil(s[5] / s[2]))
  end
  if s[1] > 0 or s[2] > 0 then
    redis.call('HSET', KEYS[2 * i - 1], 'at', text(now), 'requests', text(s[4]), 'tokens', text(s[5]))
    redis.call('PEXPIRE', KEYS[2 * i - 1], text(life))
  end
  if s[3] > 0 then
    redis.call('ZADD', KEYS[2 * i], text(now + lease), id)
    redis.call('PEXPIRE', KEYS[2 * i], text(lease + 1000))
  end
end
return {1}
