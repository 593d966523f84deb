//! Makes bad input: soup of bytes, valid text with mistakes, and values that are well-formed and wrong.
use crate::Chance;
use serde_json::{Map, Number, Value, json};

/// What a mistake is made of: marks of JSON, ends of number ranges, dates at the ends of time, names of places and things.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-1",
    "0",
    "1e308",
    "-1e999",
    "1e-400",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775809",
    "2147483648",
    "0.1",
    "NaN",
    "{}",
    "[]",
    "[[[[[[[[",
    "\"\"",
    "values",
    "@nextLink",
    "self",
    "model",
    "status",
    "Succeeded",
    "Failed",
    "Running",
    "Suceeded",
    "NotStarted",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "2026-02-30T25:61:61Z",
    "1970-01-01",
    "2026-03-29T02:30:00[Europe/Berlin]",
    "Tue, 03 Feb 2026 08:16:10 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "https://evil.example/",
    "https://x.example@evil.example/",
    "http://x.example/west/",
    "https://x.example:444/west/",
    "https://x.example/west/..%2f",
    "/../",
    "%2e%2e",
    "%00",
    "\\",
    "//",
    "?",
    "#",
    "@",
    "\t",
    "\n",
    "\u{feff}",
    "\u{202e}",
    "xn--",
    "\u{430}",
    "169.254.169.254",
    "[::1]",
    "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11",
    "00000000-0000-0000-0000-000000000000",
    "models/base/",
    ":copy",
    "30d",
    "0s",
    "-5m",
    "99999999999999999999d",
    "1.5h",
    "24:00",
    "00:60",
    "Europe/Berlin",
    "Etc/Unknown",
    "Mars/Olympus",
    "en-US",
    "customspeech.dev/uid",
    "customspeech.dev/attempt",
    "__proto__",
];

/// A source of bad input.
#[derive(Clone, Debug)]
pub struct Garble {
    chance: Chance,
}

impl Garble {
    /// The source that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
        }
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.chance.below(bound as u64)).unwrap()
    }

    /// Whether something happens that happens in this share of all cases.
    pub fn hits(&mut self, share: f64) -> bool {
        self.chance.hits(share)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        self.chance.pick(of).unwrap()
    }

    /// Bytes of no meaning, mostly few.
    pub fn bytes(&mut self) -> Vec<u8> {
        let length = match self.below(20) {
            0 => self.below(20_000),
            1..=4 => self.below(1_000),
            _ => self.below(60),
        };
        match self.below(5) {
            0 => (0..length).map(|_| u8::try_from(self.below(256)).unwrap()).collect(),
            1 => (0..length)
                .map(|_| u8::try_from(32 + self.below(95)).unwrap())
                .collect(),
            2 => {
                let mark = *self.pick(b"[{\"\\,:0 ");
                vec![mark; length]
            }
            3 => "{\"a\":".repeat(length / 5).into_bytes(),
            _ => (0..length / 4).flat_map(|_| self.word().bytes()).collect(),
        }
    }

    /// Text of no meaning.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// A word that somebody may trip over.
    pub fn word(&mut self) -> &'static str {
        self.pick::<&str>(WORDS)
    }

    /// Text with a few mistakes.
    pub fn mistake(&mut self, text: &str) -> String {
        String::from_utf8_lossy(&self.mistakes(text.as_bytes())).into_owned()
    }

    /// Bytes with a few mistakes: some changed, left out, repeated, cut off, or replaced by a word.
    pub fn mistakes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below((bytes.len() - at).min(40) + 1);
            match self.below(7) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes.truncate(at),
                2 => {
                    let again = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, again));
                }
                3 => drop(bytes.splice(at..end, self.word().bytes())),
                4 => drop(bytes.splice(at..at, self.word().bytes())),
                5 => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        bytes
    }

    /// A value of any kind, mostly small.
    pub fn value(&mut self) -> Value {
        match self.below(14) {
            0 => Value::Null,
            1 => Value::Bool(self.hits(0.5)),
            2 => json!(self.pick(&[0_i64, 1, -1, i64::MAX, i64::MIN, 1 << 31, 1 << 53, 101])),
            3 => json!(u64::MAX),
            4 => Number::from_f64(*self.pick(&[0.5, -0.5, 1e308, -1e308, 1e-308, 1.0]))
                .map_or(Value::Null, Value::Number),
            5 => json!([]),
            6 => json!({}),
            7 => Value::String(self.text()),
            8 => (0..self.below(4)).map(|_| self.value()).collect(),
            9 => {
                let members: Map<String, Value> = (0..self.below(4))
                    .map(|_| (self.word().to_owned(), self.value()))
                    .collect();
                Value::Object(members)
            }
            10 => (0..self.below(100)).fold(Value::Null, |inner, _| json!([inner])),
            11 => json!("x".repeat(self.below(70_000))),
            _ => json!(self.word()),
        }
    }

    /// Puts a few mistakes into a value that keep it well-formed: members go, come, swap or become something else.
    pub fn lie(&mut self, value: &mut Value) {
        for _ in 0..=self.below(3) {
            let mut place = &mut *value;
            // Down some way, so that deep places are met as often as shallow ones.
            loop {
                let is_empty = match &*place {
                    Value::Object(members) => members.is_empty(),
                    Value::Array(elements) => elements.is_empty(),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
                };
                if is_empty || self.hits(0.2) {
                    break;
                }
                place = match place {
                    Value::Object(members) => {
                        let at = self.below(members.len());
                        members.values_mut().nth(at).unwrap()
                    }
                    Value::Array(elements) => {
                        let at = self.below(elements.len());
                        &mut elements[at]
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => break,
                };
            }
            self.change(place);
        }
    }

    fn change(&mut self, place: &mut Value) {
        match place {
            Value::Object(members) if !members.is_empty() && self.hits(0.6) => {
                let key = members.keys().nth(self.below(members.len())).unwrap().clone();
                let member = members.remove(&key).unwrap();
                match self.below(3) {
                    0 => {}
                    1 => drop(members.insert(self.word().to_owned(), member)),
                    _ => drop(members.insert(key, self.value())),
                }
            }
            Value::Array(elements) if !elements.is_empty() && self.hits(0.7) => {
                let at = self.below(elements.len());
                match self.below(4) {
                    0 => drop(elements.remove(at)),
                    1 => elements.push(elements[at].clone()),
                    2 => elements.reverse(),
                    _ => elements[at] = self.value(),
                }
            }
            Value::String(text) if self.hits(0.7) => *text = self.mistake(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                *place = self.value();
            }
        }
    }
}
