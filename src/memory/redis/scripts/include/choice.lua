-- `choiceOf(text)`: a TTL choice as it is stored, in seconds; nil for none and for what is none of ours.
local function choiceOf(text)
  if text and #text <= 10 and string.match(text, '^[1-9]%d*$') then return tonumber(text) end
end
