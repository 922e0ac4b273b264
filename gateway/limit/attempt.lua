-- A try of somebody who has to know a secret. KEYS: account, pair of account and network, and one pair for each network around it. ARGV: now, what is an attack, how long
-- an account and a pair are remembered, then free, base and most of a calm account and of one under attack, for the pair and for each around it; all times in ms.
-- The answer is how long to wait, 0 when the try may be made, and whether the network is known.
local now, forget = tonumber(ARGV[1]), tonumber(ARGV[4])
local account = redis.call('HMGET', KEYS[1], 'n', 'last')
local failed = tonumber(account[1] or '0')
if now - tonumber(account[2] or '0') >= tonumber(ARGV[3]) then failed = 0 end
local known = redis.call('HGET', KEYS[2], 'known') and 1 or 0
local tries, longest = {}, 0
for i = 2, #KEYS do
  local pair = redis.call('HMGET', KEYS[i], 'n', 'last')
  local n, last = tonumber(pair[1] or '0'), tonumber(pair[2] or '0')
  if known == 0 and now - last >= forget then n = 0 end
  tries[i] = n
  local rule = 5 + (i - 2) * 6
  if known == 0 and failed >= tonumber(ARGV[2]) then rule = rule + 3 end
  local free, base, most = tonumber(ARGV[rule]), tonumber(ARGV[rule + 1]), tonumber(ARGV[rule + 2])
  if n >= free and (i == 2 or known == 0) then
    longest = math.max(longest, last + math.min(base * 2 ^ math.min(n - free, 30), most) - now)
  end
end
if longest > 0 then return {longest, known} end
for i = 2, #KEYS do
  if i == 2 or known == 0 then
    redis.call('HSET', KEYS[i], 'n', tries[i] + 1, 'last', now)
    if known == 0 then redis.call('PEXPIRE', KEYS[i], forget) end
  end
end
return {0, known}
