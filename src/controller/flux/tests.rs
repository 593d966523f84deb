use super::*;
use crate::controller::event::Events;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use speech_api::{Reason, SpeechEndpoint};
use speech_plan::Notice;
use speech_service::{AllowedHosts, ReqwestTransport, clock::Clock, transport::InProcess};
use std::sync::Mutex;

fn notice(warning: bool, note: &str) -> Notice {
    Notice {
        warning,
        reason: if warning { Reason::NoSuccessor } else { Reason::Serving },
        note: note.to_owned(),
    }
}

fn endpoint() -> SpeechEndpoint {
    serde_json::from_value(json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
        "metadata": {"name": "hotline", "namespace": "team", "uid": "uid-1", "resourceVersion": "7"},
        "spec": {"connectionRef": {"name": "speech"}, "locale": "en-US", "model": {"base": {}}},
    }))
    .unwrap()
}

/// A receiver that gives these answers, then 202, and notes what it was told.
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<Vec<u16>>>,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn answering(answers: &[u16]) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.iter().rev().copied().collect())),
            ..Self::default()
        }
    }

    fn flux(&self) -> Flux {
        async fn take(
            State(receiver): State<Receiver>,
            body: String,
        ) -> (StatusCode, [(&'static str, &'static str); 1]) {
            receiver.told.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            let status = receiver.answers.lock().unwrap().pop().unwrap_or(202);
            (
                StatusCode::from_u16(status).unwrap(),
                [("location", "http://elsewhere.example/")],
            )
        }
        let router = Router::new().route("/", post(take)).with_state(self.clone());
        Flux {
            url: "http://flux.example/".parse().unwrap(),
            transport: Arc::new(InProcess(router)),
        }
    }

    fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }
}

/// Tells these notices about an endpoint and ends when all were sent or given up; returns the metrics.
async fn tell(receiver: &Receiver, notices: &[Notice]) -> String {
    told_by(receiver.flux(), notices).await
}

async fn told_by(flux: Flux, notices: &[Notice]) -> String {
    let metrics = Metrics::new();
    let (queue, courier) = queue(flux, Arc::clone(&metrics));
    let (events, _queue) = Events::new(Clock::system(), "speech-operator-0".to_owned(), Some(queue));
    events.publish(&endpoint(), notices);
    drop(events); // the courier ends at the end of the queue
    courier.run().await;
    metrics.expose().unwrap()
}

#[track_caller]
fn assert_counted(metrics: &str, outcome: &str, count: usize) {
    let line = format!("speech_flux_events_total{{outcome=\"{outcome}\"}} {count}\n");
    assert!(metrics.contains(&line), "{line}{metrics}");
}

#[tokio::test(start_paused = true)]
async fn flux_is_told_of_an_event_in_its_own_form() {
    let receiver = Receiver::default();
    let metrics = tell(
        &receiver,
        &[notice(false, "model claims serves"), notice(true, "nothing follows")],
    )
    .await;
    let mut told = receiver.told();
    for event in &mut told {
        let at = event["timestamp"].take();
        assert!(at.as_str().unwrap().parse::<Timestamp>().is_ok(), "{at}");
        assert!(!at.as_str().unwrap().contains('.'), "whole seconds: {at}");
        event["timestamp"] = "TIME".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&told).unwrap());
    assert_counted(&metrics, "Sent", 2);
    assert_counted(&metrics, "Dropped", 0);
}

#[tokio::test(start_paused = true)]
async fn flux_is_told_again_while_it_is_in_trouble_and_not_for_ever() {
    for (answers, outcome, attempts) in [
        (vec![503], "Sent", 2),
        (vec![500, 502, 503], "Sent", 4),
        (vec![500, 500, 500, 500], "Failed", 4),
        (vec![429], "Duplicate", 1),
        (vec![400], "Refused", 1),
        (vec![307], "Refused", 1),
    ] {
        let receiver = Receiver::answering(&answers);
        let metrics = tell(&receiver, &[notice(true, "nothing follows")]).await;
        assert_eq!(receiver.told().len(), attempts, "{answers:?}");
        assert_counted(&metrics, outcome, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn events_for_flux_beyond_the_bound_are_dropped_and_counted() {
    let receiver = Receiver::default();
    let notices = vec![notice(true, "nothing follows"); QUEUE + 3];
    let metrics = tell(&receiver, &notices).await;
    assert_eq!(receiver.told().len(), QUEUE);
    assert_counted(&metrics, "Dropped", 3);
    assert_counted(&metrics, "Sent", QUEUE);
}

/// Over the network, as it is called there.
#[tokio::test]
async fn a_redirect_leads_no_event_elsewhere() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: EventsUrl = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let elsewhere = Arc::new(Mutex::new(0));
    let called = Arc::clone(&elsewhere);
    let router = Router::new()
        .route(
            "/",
            post(async || (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")])),
        )
        .route("/elsewhere", post(async move || *called.lock().unwrap() += 1));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let transport = ReqwestTransport::new(AllowedHosts::new([url.host()])).unwrap();
    let flux = Flux {
        url,
        transport: Arc::new(transport),
    };
    let metrics = told_by(flux, &[notice(true, "nothing follows")]).await;
    assert_counted(&metrics, "Refused", 1);
    assert_eq!(*elsewhere.lock().unwrap(), 0);
}

#[tokio::test]
async fn without_flux_there_are_no_series_about_it() {
    assert!(!Metrics::new().expose().unwrap().contains("speech_flux_events_total{"));
}
