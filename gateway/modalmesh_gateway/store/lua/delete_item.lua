-- Deletes an item. Answers 1, or 0 when there was none.
-- KEYS: item, ids, pending, contents, gone, changes, sequence
-- ARGV: id, length of the change stream, seconds for which the last revision is remembered
local item, ids, pending_ids, contents, gone, changes, sequence = unpack(KEYS)
local id, log_length, remember = unpack(ARGV)

local revision = redis.call('HGET', item, 'revision')
if not revision then return 0 end

-- First what a server out of memory takes too: deleting is the way out of that.
redis.call('DEL', item, contents)
redis.call('ZREM', ids, id)
redis.call('SREM', pending_ids, id)
-- An item that comes again goes on counting, so that work on the old one can't be taken for work on the new one.
redis.call('SET', gone, revision, 'EX', remember)
local number = redis.call('INCR', sequence)
redis.call('XADD', changes, 'MAXLEN', '~', log_length, '*', 'n', number, 'op', 'delete', 'id', id)
return 1
