//! From rows to the exposition.
use super::catalogue::{Definition, Form};
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use std::fmt;

/// The values of the labels in the order of the definition, and the value.
pub type Row = (Vec<String>, f64);

/// Encodes a metric with all its series, which may be none.
pub fn write(
    encoder: &mut DescriptorEncoder<'_>,
    definition: &Definition,
    rows: impl IntoIterator<Item = Row>,
) -> fmt::Result {
    let form = definition.form;
    let mut metric = encoder.encode_descriptor(definition.name, definition.help, None, form.of_descriptor())?;
    for (values, value) in rows {
        let labels: Vec<(&str, String)> = definition.labels.iter().copied().zip(values).collect();
        match form {
            Form::Info => metric.encode_info(&labels)?,
            Form::Counter => ConstCounter::new(value).encode(metric.encode_family(&labels)?)?,
            Form::Gauge | Form::Histogram if labels.is_empty() => metric.encode_gauge(&value)?,
            Form::Gauge | Form::Histogram => ConstGauge::new(value).encode(metric.encode_family(&labels)?)?,
        }
    }
    Ok(())
}
