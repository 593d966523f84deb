//! The figures of docs/benchmarks.md: which there are, and the goal of each.
use crate::{
    Scale,
    figure::{
        Figure,
        Goal::{self, Most, NotAbovePlain, TimesPlain},
        Value,
    },
    fleet::PER_CONNECTION,
    found::{Found, median, most},
    page::TIMES,
};

/// The goals of the peak memory, by size of the fleet.
const MEMORY: [f64; 3] = [20.0, 36.0, 56.0];

/// All figures that were measured, in the order of the document.
pub fn figures(scale: Scale, plain: &Found, here: &Found) -> Vec<Figure> {
    [
        edit(scale, plain, here),
        creation(scale, plain, here),
        memory(scale, plain, here),
        rest(scale, plain, here),
        cold(scale, here),
        page(scale, here),
        program(plain, here),
    ]
    .concat()
}

/// A figure, if ours was measured.
fn figure(
    name: impl Into<String>,
    unit: &'static str,
    digits: usize,
    values: &[(Option<f64>, Option<f64>, Goal)],
) -> Option<Figure> {
    let values = values.iter().map(|&(plain, here, goal)| {
        let here = here?;
        Some(Value { plain, here, goal })
    });
    Some(Figure {
        name: name.into(),
        unit,
        digits,
        values: values.collect::<Option<_>>()?,
    })
}

fn edit(scale: Scale, plain: &Found, here: &Found) -> Vec<Figure> {
    let both = |value: fn(&crate::edit::Edited) -> f64, goal| {
        (median(&plain.edited, value), median(&here.edited, value), goal)
    };
    let name = format!("edit answered → PATCH arrives, {} edits, p50 / p99", scale.edits);
    let values = [both(|edit| edit.p50, Most(1.5)), both(|edit| edit.p99, Most(4.0))];
    figure(name, "ms", 2, &values).into_iter().collect()
}

fn creation(scale: Scale, plain: &Found, here: &Found) -> Vec<Figure> {
    let both = |value: fn(&crate::create::Created) -> f64, goal| {
        (median(&plain.created, value), median(&here.created, value), goal)
    };
    let fleet = scale.fleet;
    let connections = fleet.div_ceil(PER_CONNECTION);
    let figures = [
        figure(
            format!("{fleet} endpoints, {connections} connections, applied at once → all Ready"),
            "objects/s",
            0,
            &[both(|created| created.per_second, TimesPlain(1.1))],
        ),
        figure(
            format!("CPU of kube-apiserver and etcd for these {fleet}"),
            "s",
            1,
            &[both(|created| created.plane_cpu, NotAbovePlain)],
        ),
        figure(
            "CPU of the operator per created endpoint",
            "ms",
            2,
            &[both(|created| created.cpu_ms, Most(0.7))],
        ),
        figure(
            "Kubernetes writes per created endpoint, without events / events",
            "",
            2,
            &[
                both(|created| created.writes, Most(3.0)),
                both(|created| created.events, Most(1.0)),
            ],
        ),
    ];
    figures.into_iter().flatten().collect()
}

fn memory(scale: Scale, plain: &Found, here: &Found) -> Vec<Figure> {
    let at = |found: &Found, place: usize| {
        let measured = found.peaks.iter().all(|peaks| peaks.len() > place);
        let peak = |peaks: &Vec<f64>| peaks.get(place).copied().unwrap_or(f64::NAN);
        measured.then(|| median(&found.peaks, peak)).flatten()
    };
    let sizes = scale.sizes.map(|size| size.to_string()).join(" / ");
    let values = MEMORY.iter().enumerate();
    let values = values.map(|(place, &most)| (at(plain, place), at(here, place), Most(most)));
    let values: Vec<_> = values.collect();
    figure(format!("peak memory, {sizes} endpoints"), "MiB", 1, &values)
        .into_iter()
        .collect()
}

fn rest(scale: Scale, plain: &Found, here: &Found) -> Vec<Figure> {
    let both = |value: fn(&crate::rest::Rested) -> f64, goal| {
        (median(&plain.rested, value), median(&here.rested, value), goal)
    };
    let worst =
        |value: fn(&crate::rest::Rested) -> u32| (most(&plain.rested, value), most(&here.rested, value), Most(0.0));
    let (fleet, seconds) = (scale.fleet, scale.rest.as_secs());
    let figures = [
        figure(
            format!("at rest, {fleet} Ready, {seconds} s: Kubernetes writes / remote writes"),
            "",
            0,
            &[
                worst(|rested| rested.cluster_writes),
                worst(|rested| rested.remote_writes),
            ],
        ),
        figure(
            "at rest: remote reads per object and minute",
            "",
            2,
            &[both(|rested| rested.remote_reads, Most(0.04))],
        ),
        figure(
            "at rest: CPU of the operator per minute",
            "s",
            3,
            &[both(|rested| rested.cpu, Most(0.02))],
        ),
    ];
    figures.into_iter().flatten().collect()
}

fn cold(scale: Scale, here: &Found) -> Vec<Figure> {
    let [.., fleet] = scale.sizes;
    let what = format!(
        "cold start, {fleet} known endpoints, {} connections",
        fleet.div_ceil(PER_CONNECTION)
    );
    let observed = median(&here.started, |started| started.observed);
    let writes = most(&here.started, |started| started.cluster_writes + started.remote_writes);
    let figures = [
        figure(
            format!("{what} → each observed"),
            "s",
            1,
            &[(None, observed, Most(2.0))],
        ),
        figure("cold start: writes of any kind", "", 0, &[(None, writes, Most(0.0))]),
    ];
    figures.into_iter().flatten().collect()
}

fn page(scale: Scale, here: &Found) -> Vec<Figure> {
    let name = format!("/fleet with {} rows, {TIMES} requests, p50 / longest", scale.fleet);
    let value = |value: fn(&crate::page::Asked) -> f64| (None, median(&here.asked, value), Most(200.0));
    let values = [value(|asked| asked.p50), value(|asked| asked.longest)];
    figure(name, "ms", 1, &values).into_iter().collect()
}

fn program(plain: &Found, here: &Found) -> Vec<Figure> {
    let size = |found: &Found| median(&found.program_mib, |mib| *mib);
    let values = [(size(plain), size(here), Most(12.0))];
    figure("size of the program", "MiB", 1, &values).into_iter().collect()
}
