-- A try failed. KEYS: account. ARGV: now, how long an account is remembered after its last failure; in ms.
local account = redis.call('HMGET', KEYS[1], 'n', 'last')
local n = tonumber(account[1] or '0')
if tonumber(ARGV[1]) - tonumber(account[2] or '0') >= tonumber(ARGV[2]) then n = 0 end
redis.call('HSET', KEYS[1], 'n', n + 1, 'last', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
