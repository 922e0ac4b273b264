-- A try of somebody who has to know a secret. KEYS: pair, account. ARGV: now, then free, base and most of a calm account, the same of one
-- under attack, what is an attack, how long an account and a pair are remembered; all times in ms. The answer is how long to wait, 0 when the try may be made.
local pair = redis.call('HMGET', KEYS[1], 'n', 'last', 'known')
local n, last, known = tonumber(pair[1] or '0'), tonumber(pair[2] or '0'), pair[3]
local now, forget = tonumber(ARGV[1]), tonumber(ARGV[10])
if not known and now - last >= forget then n = 0 end
local account = redis.call('HMGET', KEYS[2], 'n', 'last')
local failed = tonumber(account[1] or '0')
if now - tonumber(account[2] or '0') >= tonumber(ARGV[9]) then failed = 0 end
local rule = 2
if not known and failed >= tonumber(ARGV[8]) then rule = 5 end
local free, base, most = tonumber(ARGV[rule]), tonumber(ARGV[rule + 1]), tonumber(ARGV[rule + 2])
local wait = 0
if n >= free then wait = math.min(base * 2 ^ math.min(n - free, 30), most) end
if wait > 0 and now < last + wait then return last + wait - now end
redis.call('HSET', KEYS[1], 'n', n + 1, 'last', now)
if not known then redis.call('PEXPIRE', KEYS[1], forget) end
return 0
