-- `said(element)`: the time from which a message's retention counts (Unix ms); nil for a corrupt element.
-- JSON escapes quotes within strings, so only the name of a field can match.
local function said(element)
  for _, name in ipairs({'"saidAt":', '"timestamp":'}) do
    local _, last = string.find(element, name, 1, true)
    local digits = last and string.match(element, '^%d+', last + 1)
    if digits then return tonumber(digits) end
  end
end
