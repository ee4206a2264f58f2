-- Records one user's events. Answers 1 an event that is new, 0 one whose id is known.
-- KEYS: event ids, recent, seen, counts, log, sequence
-- ARGV: user, length of the recent window, length of the log; then five an event: hash of its id, time, item,
--       whether it is positive (1 or 0), and its payload.
local event_ids, recent, seen, counts, log, sequence = unpack(KEYS)
local user, window, log_length = unpack(ARGV, 1, 3)
local recorded = {}
for position = 4, #ARGV, 5 do
  local hash, time, item, positive, payload = unpack(ARGV, position, position + 4)
  local is_new = redis.call('SADD', event_ids, hash)
  recorded[#recorded + 1] = is_new
  if is_new == 1 then
    -- Equal times are ordered by member, so by item.
    redis.call('ZADD', recent, time, item .. '\0' .. payload)
    redis.call('SADD', seen, item)
    if positive == '1' then redis.call('HINCRBY', counts, item, 1) end
    local number = redis.call('INCR', sequence)
    redis.call('XADD', log, 'MAXLEN', '~', log_length, '*',
      'n', number, 'user', user, 'item', item, 'positive', positive, 'event', payload)
  end
end
redis.call('ZREMRANGEBYRANK', recent, 0, -(tonumber(window) + 1))
return recorded
