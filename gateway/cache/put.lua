-- Keeps an entry of an API key, and forgets as many others as it needs the room of: those that end first. Without a body it forgets one.
-- KEYS: the index of the key's entries by their end, in ms; their sizes, with the sum as the member "".
-- ARGV: the common part of the entries' keys; the entry's name; its body; its life in ms; the room of all in bytes; the index' life in ms.
-- Returns how many others were forgotten to make room.
local index, sizes = KEYS[1], KEYS[2]
local prefix, name, body, life, room = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function forget(entry)
  local size = redis.call('HGET', sizes, entry)
  if size then
    redis.call('HDEL', sizes, entry)
    redis.call('HINCRBY', sizes, '', -tonumber(size))
  end
  redis.call('ZREM', index, entry)
  redis.call('DEL', prefix .. entry)
end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1000)) do forget(entry) end
forget(name)
if #body == 0 then return 0 end

local forgotten = 0
while tonumber(redis.call('HGET', sizes, '') or '0') + #body > room do
  local first = redis.call('ZRANGE', index, 0, 0)[1]
  if not first then
    redis.call('DEL', sizes) -- the index was lost: what it named ends by itself
    break
  end
  forget(first)
  forgotten = forgotten + 1
end
redis.call('SET', prefix .. name, body, 'PX', life)
redis.call('ZADD', index, string.format('%.0f', now + life), name)
redis.call('HSET', sizes, name, #body)
redis.call('HINCRBY', sizes, '', #body)
redis.call('PEXPIRE', index, ARGV[6])
redis.call('PEXPIRE', sizes, ARGV[6])
return forgotten
