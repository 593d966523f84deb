-- Argo CD's actions on SpeechModels and SpeechEndpoints: one script for both says which make sense now. Each action has a file
-- of its own beside this one; argocd-cm.yaml is generated from here.
local status = obj.status or {}
local annotations = obj.metadata.annotations or {}
local is_leaving = obj.metadata.deletionTimestamp ~= nil
local is_suspended = obj.spec.suspend == true
-- What the operator may change at all.
local is_kept = not is_leaving and not is_suspended and obj.spec.managementPolicy ~= "Observe"
local is_released = annotations["customspeech.dev/deletion-policy"] == "Retain"

local actions = {
  suspend = {disabled = is_leaving or is_suspended, iconClass = "fa fa-fw fa-pause"},
  resume = {disabled = is_leaving or not is_suspended, iconClass = "fa fa-fw fa-play"},
  -- An object that is being deleted may still wait for an operator that is gone.
  release = {disabled = is_released and not is_leaving, iconClass = "fa fa-fw fa-unlink"},
}

if obj.kind == "SpeechModel" then
  local candidate = status.candidate
  local is_idle = candidate == nil or candidate.state == "Failed"
  -- The operator trains the first revision by itself.
  local has_revision = candidate ~= nil or status.current ~= nil or status.highestRevision ~= nil
  local may_train = is_kept and obj.spec.source.training ~= nil and is_idle and has_revision
  actions["retrain"] = {disabled = not may_train, iconClass = "fa fa-fw fa-redo"}
end

if obj.kind == "SpeechEndpoint" then
  local swap = obj.spec.swap or {}
  local candidate = status.candidate
  local may_swap = is_kept and candidate ~= nil and status.target == nil
  local asks = swap.approval == "Required" or swap.policy == "Manual"
  local function names(annotation)
    return candidate ~= nil and annotations["customspeech.dev/" .. annotation] == candidate.model
  end
  local is_barred = is_kept and status.quarantine ~= nil and #status.quarantine > 0
  actions["approve"] = {
    disabled = not (may_swap and asks) or names("approved-model") or names("swap-now"),
    iconClass = "fa fa-fw fa-check",
  }
  actions["swap"] = {
    disabled = not may_swap or names("swap-now"),
    displayName = "swap now",
    iconClass = "fa fa-fw fa-forward",
  }
  actions["clear-quarantine"] = {
    disabled = not is_barred,
    displayName = "clear quarantine",
    iconClass = "fa fa-fw fa-broom",
  }
end

return actions
