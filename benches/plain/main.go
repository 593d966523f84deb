// Command plain is an operator for the same job, written the usual way with controller-runtime, as a yardstick: one remote
// endpoint per PlainEndpoint, polled until ready, compared every minute. It does the least: it survives no crash between
// its POST and its status, counts no requests, knows no expiry and publishes no events.
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"speech-operator/benches/plain/api"
)

const (
	finalizer = "bench.example.com/plain"
	condReady = "Ready"
)

type reconciler struct {
	client.Client
	speech *speechClient
	poll   time.Duration
	resync time.Duration
}

func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	log := ctrl.LoggerFrom(ctx)

	ep := &api.PlainEndpoint{}
	if err := r.Get(ctx, req.NamespacedName, ep); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}

	if !ep.DeletionTimestamp.IsZero() {
		if !controllerutil.ContainsFinalizer(ep, finalizer) {
			return ctrl.Result{}, nil
		}
		if ep.Status.ID != "" {
			if err := r.speech.delete(ctx, ep.Spec.Resource, ep.Status.ID); err != nil && !errors.Is(err, errNotFound) {
				return ctrl.Result{}, err
			}
			log.Info("deleted remote endpoint", "id", ep.Status.ID)
		}
		controllerutil.RemoveFinalizer(ep, finalizer)
		return ctrl.Result{}, client.IgnoreNotFound(r.Update(ctx, ep))
	}

	if controllerutil.AddFinalizer(ep, finalizer) {
		if err := r.Update(ctx, ep); err != nil {
			return ctrl.Result{}, err
		}
	}

	if ep.Status.ID == "" {
		return r.create(ctx, ep)
	}

	remote, err := r.speech.get(ctx, ep.Spec.Resource, ep.Status.ID)
	if errors.Is(err, errNotFound) {
		log.Info("remote endpoint is gone, creating it again", "id", ep.Status.ID)
		return r.create(ctx, ep)
	}
	if err != nil {
		return ctrl.Result{}, err
	}

	if remote.DisplayName != ep.Spec.DisplayName || remote.Model == nil || remote.Model.Self != ep.Spec.Model {
		remote, err = r.speech.update(ctx, ep.Spec.Resource, ep.Status.ID, &remoteEndpoint{
			DisplayName: ep.Spec.DisplayName, Model: &modelRef{Self: ep.Spec.Model}})
		if err != nil {
			return ctrl.Result{}, err
		}
		log.Info("updated remote endpoint", "id", ep.Status.ID, "model", ep.Spec.Model)
	}

	status, reason, msg, after := metav1.ConditionFalse, "Deploying", "The endpoint is being deployed", r.poll
	switch remote.Status {
	case "Succeeded":
		status, reason, msg, after = metav1.ConditionTrue, "Succeeded", "The endpoint is deployed", r.resync
	case "Failed":
		reason, msg, after = "Failed", "The deployment failed", r.resync
	}
	if err := r.setReady(ctx, ep, status, reason, msg); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: after}, nil
}

func (r *reconciler) create(ctx context.Context, ep *api.PlainEndpoint) (ctrl.Result, error) {
	remote, err := r.speech.create(ctx, ep.Spec.Resource, &remoteEndpoint{
		DisplayName: ep.Spec.DisplayName, Locale: ep.Spec.Locale, Model: &modelRef{Self: ep.Spec.Model}})
	if err != nil {
		return ctrl.Result{}, err
	}
	id, err := remote.id()
	if err != nil {
		return ctrl.Result{}, err
	}
	ctrl.LoggerFrom(ctx).Info("created remote endpoint", "id", id)
	ep.Status.ID = id
	meta.SetStatusCondition(&ep.Status.Conditions, metav1.Condition{Type: condReady, Status: metav1.ConditionFalse,
		Reason: "Deploying", Message: "The endpoint is being deployed", ObservedGeneration: ep.Generation})
	if err := r.Status().Update(ctx, ep); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: r.poll}, nil
}

func (r *reconciler) setReady(ctx context.Context, ep *api.PlainEndpoint, s metav1.ConditionStatus, reason, msg string) error {
	before := ep.DeepCopy()
	meta.SetStatusCondition(&ep.Status.Conditions, metav1.Condition{Type: condReady, Status: s,
		Reason: reason, Message: msg, ObservedGeneration: ep.Generation})
	if equality.Semantic.DeepEqual(before.Status, ep.Status) {
		return nil
	}
	return r.Status().Update(ctx, ep)
}

func main() {
	service := flag.String("service", "", "base URL of the Speech resources; their key is in SPEECH_KEY")
	workers := flag.Int("workers", 16, "MaxConcurrentReconciles")
	poll := flag.Duration("poll", 3*time.Second, "time between looks at an endpoint that is not ready yet")
	resync := flag.Duration("resync", time.Minute, "time between drift checks of a ready endpoint")
	zo := zap.Options{}
	zo.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&zo)))
	log := ctrl.Log.WithName("setup")

	scheme := runtime.NewScheme()
	if err := api.AddToScheme(scheme); err != nil {
		log.Error(err, "scheme")
		os.Exit(1)
	}
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		log.Error(err, "manager")
		os.Exit(1)
	}
	r := &reconciler{Client: mgr.GetClient(), speech: newSpeechClient(*service, os.Getenv("SPEECH_KEY")), poll: *poll, resync: *resync}
	err = ctrl.NewControllerManagedBy(mgr).
		For(&api.PlainEndpoint{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: *workers}).
		Complete(r)
	if err != nil {
		log.Error(err, "controller")
		os.Exit(1)
	}
	if err := mgr.Start(ctrl.SetupSignalHandler()); err != nil {
		log.Error(err, "run")
		os.Exit(1)
	}
}
