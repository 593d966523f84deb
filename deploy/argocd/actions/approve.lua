-- Approves the candidate that the status names, and no other model.
local candidate = (obj.status or {}).candidate
if candidate == nil then
  error("the endpoint has no candidate", 0)
end
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["customspeech.dev/approved-model"] = candidate.model
return obj
