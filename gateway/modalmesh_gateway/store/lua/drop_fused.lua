-- Drops the fused vectors of all spaces but one. Answers how many there were.
-- KEYS: items of one slot
-- ARGV: fingerprint of the space to keep
local keep = ARGV[1]
local dropped = 0
for _, item in ipairs(KEYS) do
  for _, field in ipairs(redis.call('HKEYS', item)) do
    local kind, model = string.match(field, '^(fused[_key]*):(.*)$')
    if kind and model ~= keep then
      redis.call('HDEL', item, field)
      if kind == 'fused' then dropped = dropped + 1 end
    end
  end
  local current = redis.call('HGET', item, 'fused')
  if current and current ~= keep then
    if redis.call('HEXISTS', item, 'fused:' .. keep) == 1 then
      redis.call('HSET', item, 'fused', keep)
    else
      redis.call('HDEL', item, 'fused')
    end
  end
end
return dropped
