// Package api holds the PlainEndpoint kind.
package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var GroupVersion = schema.GroupVersion{Group: "bench.example.com", Version: "v1alpha1"}

type PlainEndpointSpec struct {
	Resource    string `json:"resource"` // the Speech resource, as it stands in its URL
	DisplayName string `json:"displayName"`
	Model       string `json:"model"`
	Locale      string `json:"locale"`
}

type PlainEndpointStatus struct {
	ID         string             `json:"id,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

type PlainEndpoint struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   PlainEndpointSpec   `json:"spec,omitempty"`
	Status PlainEndpointStatus `json:"status,omitempty"`
}

type PlainEndpointList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PlainEndpoint `json:"items"`
}

func (in *PlainEndpoint) DeepCopyInto(out *PlainEndpoint) {
	*out = *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	if in.Status.Conditions != nil {
		out.Status.Conditions = make([]metav1.Condition, len(in.Status.Conditions))
		for i := range in.Status.Conditions {
			in.Status.Conditions[i].DeepCopyInto(&out.Status.Conditions[i])
		}
	}
}

func (in *PlainEndpoint) DeepCopy() *PlainEndpoint {
	out := new(PlainEndpoint)
	in.DeepCopyInto(out)
	return out
}

func (in *PlainEndpoint) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *PlainEndpointList) DeepCopyObject() runtime.Object {
	out := &PlainEndpointList{TypeMeta: in.TypeMeta, Items: make([]PlainEndpoint, len(in.Items))}
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	for i := range in.Items {
		in.Items[i].DeepCopyInto(&out.Items[i])
	}
	return out
}

func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &PlainEndpoint{}, &PlainEndpointList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
