-- Reads cached embeddings of one slot, nil where there is none, and gives those that were hit a new life.
-- KEYS: cached embeddings
-- ARGV: their time to live, and what is left of it when it is renewed, in milliseconds. The two differ, so that
--       hits hardly ever write.
local ttl, renew_below = ARGV[1], tonumber(ARGV[2])
local values = redis.call('MGET', unpack(KEYS))
for position, value in ipairs(values) do
  if value and redis.call('PTTL', KEYS[position]) < renew_below then
    redis.call('PEXPIRE', KEYS[position], ttl)
  end
end
return values
