// Argo CD's own judgement of objects: it reads a ConfigMap argocd-cm as Argo CD does, and runs the scripts in it in Argo CD's
// own Lua.
//
//	argo-cd-lua ARGOCD-CM.yaml < OBJECTS.json
//
// OBJECTS.json is a list of objects. The answer, on stdout, is a list with what Argo CD would show of each, and with the merge
// patch that each of its actions would send.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	jsonpatch "github.com/evanphx/json-patch"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

// Argo CD finds its ConfigMap and its Secret by this label.
var labels = map[string]string{"app.kubernetes.io/part-of": "argocd"}

type action struct {
	Name        string          `json:"name"`
	DisplayName string          `json:"displayName"`
	Disabled    bool            `json:"disabled"`
	Patch       json.RawMessage `json:"patch,omitempty"`
	Error       string          `json:"error,omitempty"`
}

type judgement struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Error   string   `json:"error,omitempty"`
	Actions []action `json:"actions"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: argo-cd-lua ARGOCD-CM.yaml < OBJECTS.json")
	}
	logrus.SetLevel(logrus.ErrorLevel)
	overrides := read(os.Args[1])
	input, err := io.ReadAll(os.Stdin)
	check(err)
	var objects []map[string]any
	check(json.Unmarshal(input, &objects))
	judgements := make([]judgement, 0, len(objects))
	for _, object := range objects {
		judgements = append(judgements, judge(overrides, &unstructured.Unstructured{Object: object}))
	}
	check(json.NewEncoder(os.Stdout).Encode(judgements))
}

// read gives a file to Argo CD as the ConfigMap of a cluster.
func read(file string) map[string]appv1.ResourceOverride {
	text, err := os.ReadFile(file)
	check(err)
	configuration := &corev1.ConfigMap{}
	check(yaml.UnmarshalStrict(text, configuration))
	configuration.Labels = labels
	metadata := metav1.ObjectMeta{Name: "argocd-secret", Namespace: configuration.Namespace, Labels: labels}
	cluster := fake.NewSimpleClientset(configuration, &corev1.Secret{ObjectMeta: metadata})
	manager := settings.NewSettingsManager(context.Background(), cluster, configuration.Namespace)
	overrides, err := manager.GetResourceOverrides()
	check(err)
	return overrides
}

func judge(overrides map[string]appv1.ResourceOverride, object *unstructured.Unstructured) judgement {
	result := judgement{}
	health, err := lua.ResourceHealthOverrides(overrides).GetResourceHealth(object)
	if err != nil {
		result.Error = err.Error()
	} else if health != nil {
		result.Status, result.Message = string(health.Status), health.Message
	}
	vm := lua.VM{ResourceOverrides: overrides}
	scripts, err := vm.GetResourceActionDiscovery(object)
	check(err)
	if len(scripts) == 0 {
		return result
	}
	found, err := vm.ExecuteResourceActionDiscovery(object, scripts)
	if err != nil {
		result.Error = err.Error()
	}
	for _, one := range found {
		result.Actions = append(result.Actions, run(vm, object, one))
	}
	return result
}

// run finds the merge patch that Argo CD's API server would send, also where it would not offer the action.
func run(vm lua.VM, object *unstructured.Unstructured, found appv1.ResourceAction) action {
	result := action{Name: found.Name, DisplayName: found.DisplayName, Disabled: found.Disabled}
	definition, err := vm.GetResourceAction(object, found.Name)
	check(err)
	before, err := json.Marshal(object)
	check(err)
	after, err := vm.ExecuteResourceAction(object.DeepCopy(), definition.ActionLua, nil)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	for _, impacted := range after {
		if impacted.K8SOperation != lua.PatchOperation {
			log.Fatalf("%s does more than patch its object", found.Name)
		}
		now, err := json.Marshal(impacted.UnstructuredObj)
		check(err)
		result.Patch, err = jsonpatch.CreateMergePatch(before, now)
		check(err)
	}
	return result
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
