//! What was probably meant by a name or a locale that nothing has.

/// A difference of so many letters, or of a third of the name, is a slip of the finger.
const SLIP: usize = 2;

/// The name that was probably meant.
pub fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = SLIP.max(name.chars().count() / 3);
    let mut near: Vec<(usize, &str)> = among
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, other)| *distance <= most || name.len() >= 3 && other.starts_with(name))
        .collect();
    near.sort_unstable();
    near.first().map(|(_, other)| *other)
}

/// The locale that was probably meant, among those that there are. Who writes UK for Great Britain is not near to it in
/// letters.
pub fn locale<'a>(locale: &str, among: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let (language, region) = locale.split_once('-').unwrap_or((locale, ""));
    if region.eq_ignore_ascii_case("uk") {
        let british = format!("{language}-GB");
        if let Some(found) = among.clone().find(|other| other.eq_ignore_ascii_case(&british)) {
            return Some(found);
        }
    }
    let is_kin = |other: &&str| other.split('-').next() == Some(language);
    nearest(locale, among.clone().filter(is_kin)).or_else(|| nearest(locale, among))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_that_nobody_speaks_is_answered_with_the_nearest() {
        let there = ["de-DE", "en-AU", "en-GB", "en-US", "fr-FR"];
        let near = |wanted: &str| locale(wanted, there.into_iter());
        assert_eq!(near("en-UK"), Some("en-GB"));
        assert_eq!(near("en-UX"), Some("en-US"));
        assert_eq!(near("de-AT"), Some("de-DE"));
        assert_eq!(near("xx-YY-Latn"), None);
    }
}
