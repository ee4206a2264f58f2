-- Adds another ranker revision's vector to an item of a known revision. Answers 1, or 0 when the item has changed or
-- has a vector of this space that was made from something else: whoever completed the item meanwhile knew more.
-- KEYS: item, changes, sequence
-- ARGV: id, expected revision, fingerprint of the vector's space, vector, fused key, length of the change stream
local item, changes, sequence = unpack(KEYS)
local id, expected, model, vector, fused_key, log_length = unpack(ARGV)

if redis.call('HGET', item, 'revision') ~= expected then return 0 end
local old_key = redis.call('HGET', item, 'fused_key:' .. model)
if old_key then return old_key == fused_key and 1 or 0 end

local number = redis.call('INCR', sequence)
redis.call('HSET', item, 'fused', model, 'fused:' .. model, vector, 'fused_key:' .. model, fused_key)
redis.call('XADD', changes, 'MAXLEN', '~', log_length, '*', 'n', number, 'op', 'put', 'id', id)
return 1
