-- Argo CD's health of SpeechConnections, SpeechModels and SpeechEndpoints: one script for the three kinds. It needs no
-- library, because Argo CD gives a script few of them. argocd-cm.yaml is generated from here.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is(kind, truth)
  return conditions[kind] ~= nil and conditions[kind].status == truth
end

-- The word, with the message of a condition, and what else you need to know.
local function health(word, kind)
  local message = conditions[kind] ~= nil and conditions[kind].message or ""
  if is("ModelValid", "False") and conditions.ModelValid.message ~= message then
    message = message .. " (" .. conditions.ModelValid.message .. ")"
  end
  if is("AtRisk", "True") then
    message = message .. " (at risk: " .. conditions.AtRisk.message .. ")"
  end
  return {status = word, message = message}
end

if obj.metadata.deletionTimestamp ~= nil then
  return health("Progressing", "Ready")
end
if (status.observedGeneration or -1) < (obj.metadata.generation or 0) then
  return {status = "Progressing", message = "the operator has not reconciled this spec yet"}
end
-- A suspended object is not a failure, and neither is one that an observing operator leaves to others.
local left = {Suspended = true, ObserveOnly = true}
if is("Stalled", "True") and not left[conditions.Stalled.reason] then
  return health("Degraded", "Stalled")
end
if is("ModelValid", "False") then
  return health("Degraded", "ModelValid")
end
if obj.spec.suspend or is("Stalled", "True") then
  return health("Suspended", "Ready")
end
-- A risk is not a failure either: Degraded would block sync waves for as long as a pinned model is valid.
if is("Ready", "True") then
  return health("Healthy", "Ready")
end
return health("Progressing", "Ready")
