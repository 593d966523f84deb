-- Moves the endpoint to the candidate that the status names, now: no day, window or missing approval holds it back.
local candidate = (obj.status or {}).candidate
if candidate == nil then
  error("the endpoint has no candidate", 0)
end
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["customspeech.dev/swap-now"] = candidate.model
return obj
