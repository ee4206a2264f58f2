-- Writes one item, either as its new content (expected is empty) or as the completion of a known revision.
-- KEYS: item, ids, pending, contents, gone, changes, sequence
-- ARGV: id, expected revision, digest, pending modalities joined by commas, fingerprints of text, image and fused
--       vectors (empty: none), length of the change stream, number of fields' names and values, number of needed
--       contents; then the fields, the hashes of needed contents, and pairs of content hash and content.
local item, ids, pending_ids, contents, gone, changes, sequence = unpack(KEYS)
local id, expected, digest, pending, text, image, fused, log_length = unpack(ARGV, 1, 8)
local fields_end = 10 + tonumber(ARGV[9])
local needed_end = fields_end + tonumber(ARGV[10])

local function is_within(new, old)
  for modality in string.gmatch(new, '[^,]+') do
    if not string.find(old, modality, 1, true) then return false end
  end
  return true
end

local revision, outcome
local old = redis.call('HMGET', item, 'revision', 'digest', 'pending', 'text_model', 'image_model')
if expected ~= '' then
  -- The digest tells apart two items that had this id and this revision one after the other.
  if old[1] ~= expected or old[2] ~= digest or not is_within(pending, old[3]) then return {'conflict', 0} end
  revision, outcome = tonumber(old[1]), 'completed'
elseif not old[1] then
  revision, outcome = (tonumber(redis.call('GET', gone)) or 0) + 1, 'created'
else
  revision, outcome = tonumber(old[1]), 'updated'
  if old[2] == digest then
    local brings = pending ~= old[3]
      or (text ~= '' and text ~= old[4])
      or (image ~= '' and image ~= old[5])
      or (fused ~= '' and redis.call('HEXISTS', item, 'fused:' .. fused) == 0)
    if not brings or not is_within(pending, old[3]) then return {'unchanged', revision} end
  end
  revision = revision + 1
end

-- The first write is one that a server out of memory refuses; after it none of the others can be.
local number = redis.call('INCR', sequence)
if old[2] == digest and fused ~= '' then
  -- The same content by other models: vectors of other spaces go on serving until they are dropped as a whole.
  redis.call('HDEL', item, 'text', 'text_model', 'text_rows', 'image', 'image_model', 'image_rows')
else
  redis.call('DEL', item)
end
redis.call('DEL', gone)
redis.call('HSET', item, 'revision', revision, unpack(ARGV, 11, fields_end))
redis.call('ZADD', ids, 0, id)
redis.call(pending == '' and 'SREM' or 'SADD', pending_ids, id)

local needed = {}
for position = fields_end + 1, needed_end do needed[ARGV[position]] = true end
for _, hash in ipairs(redis.call('HKEYS', contents)) do
  if not needed[hash] then redis.call('HDEL', contents, hash) end
end
for position = needed_end + 1, #ARGV, 2 do
  redis.call('HSET', contents, ARGV[position], ARGV[position + 1])
end

redis.call('XADD', changes, 'MAXLEN', '~', log_length, '*', 'n', number, 'op', 'put', 'id', id)
return {outcome, revision}
