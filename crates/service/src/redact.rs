//! Takes secrets out of free text before anybody can see it.
use std::borrow::Cow;

/// The longest free text that is kept, in bytes.
const LONGEST: usize = 1024;

/// Drops the query of every URL in a text of the service's (signatures stand there) and what is too long to read.
pub(super) fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(LONGEST));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(ends_url).unwrap_or(after.len());
        let (url, following) = after.split_at(end);
        kept.push_str(before);
        kept.push_str("://");
        match url.split_once(['?', '#']) {
            Some((address, _secret)) => {
                kept.push_str(address);
                kept.push_str("?...");
            }
            None => kept.push_str(url),
        }
        rest = following;
    }
    kept.push_str(rest);
    shorten(kept)
}

/// Replaces a secret wherever a text repeats it.
pub(super) fn without_secret<'a>(text: &'a str, secret: &str) -> Cow<'a, str> {
    if !secret.is_empty() && text.contains(secret) {
        Cow::Owned(text.replace(secret, "..."))
    } else {
        Cow::Borrowed(text)
    }
}

fn ends_url(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '<' | '>' | ')' | ']' | '}' | '`')
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_cut_out_of_every_url() {
        let text = "Cannot read 'https://a.blob.example/c/f.txt?sv=1&sig=SECRET', nor https://b.example/x?sig=SECRET.";
        assert_eq!(
            without_queries(text),
            "Cannot read 'https://a.blob.example/c/f.txt?...', nor https://b.example/x?..."
        );
        assert_eq!(without_queries("What? Nothing to hide."), "What? Nothing to hide.");
        assert_eq!(
            without_queries("https://plain.example/path ok"),
            "https://plain.example/path ok"
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let long = "\u{e9}".repeat(2000);
        let short = without_queries(&long);
        assert!(short.len() <= LONGEST + 3 && short.ends_with("..."));
    }

    #[test]
    fn a_repeated_secret_is_replaced() {
        assert_eq!(without_secret("key abc123 is wrong", "abc123"), "key ... is wrong");
        assert_eq!(without_secret("key is wrong", "abc123"), "key is wrong");
    }
}
