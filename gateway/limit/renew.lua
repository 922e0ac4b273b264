-- Renews leases, also those that Redis has lost, and says that this process lives.
-- KEYS: the processes; then one a scope: its leases.
-- ARGV: the process, the lease's length in ms; then for each scope the number of leases, and their names.
-- Returns how many processes live.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local lease = tonumber(ARGV[2])
local till, life = string.format('%.0f', now + lease), string.format('%.0f', lease + 1000)

local function keep(key, name)
  redis.call('ZADD', key, till, name)
  redis.call('PEXPIRE', key, life)
end

keep(KEYS[1], ARGV[1])
local at = 3
for i = 2, #KEYS do
  local n = tonumber(ARGV[at])
  for j = at + 1, at + n do keep(KEYS[i], ARGV[j]) end
  at = at + n + 1
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
return redis.call('ZCARD', KEYS[1])
