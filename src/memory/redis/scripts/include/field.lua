-- Decoding a full conversation takes tens of milliseconds, so fields are searched in the stored text: JSON escapes quotes within strings, so
-- only a field can match. Elements in another form than the store writes are decoded.
--
-- `fieldOf(element, name)`: a string field of a stored message; nil for a corrupt element.
-- `hasField(element, name, value, text)`: whether the field has this value; `text`: both as stored, `"name":"value"`.
local function decodedField(element, name)
  local ok, message = pcall(cjson.decode, element)
  local value = ok and type(message) == 'table' and message[name]
  if type(value) == 'string' then return value end
end
local function fieldOf(element, name)
  local _, last = string.find(element, '"' .. name .. '":"', 1, true)
  if last then
    local _, ending = string.find(element, '^[^"\\]*', last + 1)
    if string.byte(element, ending + 1) == 34 then return string.sub(element, last + 1, ending) end
  end
  return decodedField(element, name)
end
local function hasField(element, name, value, text)
  if string.find(element, text, 1, true) then return true end
  return string.sub(element, 1, 9) ~= '{"role":"' and decodedField(element, name) == value
end
