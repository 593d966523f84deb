//! The `filter` parameter of lists: `property op literal` joined by `and`, `or`, `not` and parentheses.
use jiff::Timestamp;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Compare(Comparison),
    /// Both sides hold.
    And(Box<Filter>, Box<Filter>),
    /// One side holds.
    Or(Box<Filter>, Box<Filter>),
    /// The filter inside does not hold.
    Not(Box<Filter>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    property: String,
    operator: Operator,
    literal: Literal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Time(Timestamp),
}

/// The value of a property of an entity, as filters see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Property<'a> {
    /// A string; None when the entity has none.
    Text(Option<&'a str>),
    /// A time, in whole seconds as on the wire.
    Time(Timestamp),
}

/// Deepest nesting that is parsed.
const MAX_DEPTH: usize = 32;

impl Filter {
    /// Parses a filter over the given properties; the text says why one is refused.
    pub fn parse(text: &str, filterable: &[&str]) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            filterable,
        };
        let filter = parser.alternatives(0)?;
        match parser.peek() {
            None => Ok(filter),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    /// True when the entity, asked through `property`, passes.
    pub fn holds<'a>(&self, property: &dyn Fn(&str) -> Property<'a>) -> bool {
        match self {
            Self::Compare(comparison) => comparison.holds(&property(&comparison.property)),
            Self::And(left, right) => left.holds(property) && right.holds(property),
            Self::Or(left, right) => left.holds(property) || right.holds(property),
            Self::Not(inner) => !inner.holds(property),
        }
    }
}

impl Comparison {
    fn holds(&self, value: &Property<'_>) -> bool {
        match (value, &self.literal) {
            (Property::Text(value), Literal::Text(literal)) => {
                let equal = *value == Some(literal.as_str());
                if self.operator == Operator::Ne { !equal } else { equal }
            }
            (Property::Time(value), Literal::Time(literal)) => match self.operator {
                Operator::Eq => value == literal,
                Operator::Ne => value != literal,
                Operator::Gt => value > literal,
                Operator::Ge => value >= literal,
                Operator::Lt => value < literal,
                Operator::Le => value <= literal,
            },
            (Property::Text(_), Literal::Time(_)) | (Property::Time(_), Literal::Text(_)) => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Open,
    Close,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            character if character.is_whitespace() => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '\'' => {
                let mut literal = String::new();
                loop {
                    match rest.next() {
                        // A doubled quote stands for one.
                        Some('\'') if rest.next_if_eq(&'\'').is_some() => literal.push('\''),
                        Some('\'') => break,
                        Some(inner) => literal.push(inner),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
                tokens.push(Token::Quoted(literal));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = rest.next_if(|next| !next.is_whitespace() && !matches!(next, '(' | ')' | '\'')) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    filterable: &'a [&'a str],
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    /// Takes the next token if it is this word.
    fn take_word(&mut self, expected: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == expected);
        if found {
            self.next += 1;
        }
        found
    }

    fn alternatives(&mut self, depth: usize) -> Result<Filter, String> {
        let mut left = self.conjunction(depth)?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.conjunction(depth)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter, String> {
        let mut left = self.negation(depth)?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.negation(depth)?));
        }
        Ok(left)
    }

    fn negation(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > MAX_DEPTH {
            return Err("the filter is nested too deeply".to_owned());
        }
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.negation(depth + 1)?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.next += 1;
            let inner = self.alternatives(depth + 1)?;
            return match self.take() {
                Some(Token::Close) => Ok(inner),
                other => Err(format!("expected a closing parenthesis, found {other:?}")),
            };
        }
        self.comparison().map(Filter::Compare)
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        let Some(Token::Word(property)) = self.take() else {
            return Err("expected a property".to_owned());
        };
        if !self.filterable.contains(&property.as_str()) {
            return Err(format!("the property {property} cannot be filtered on"));
        }
        let Some(Token::Word(operator)) = self.take() else {
            return Err("expected an operator".to_owned());
        };
        let operator = match operator.as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            other => return Err(format!("the operator {other} is not known")),
        };
        let is_time = property.ends_with("DateTime");
        if !is_time && !matches!(operator, Operator::Eq | Operator::Ne) {
            return Err(format!("the property {property} can only be compared with eq and ne"));
        }
        let literal = match (is_time, self.take()) {
            (true, Some(Token::Word(word))) => {
                Literal::Time(word.parse().map_err(|_| format!("{word} is not an ISO 8601 time"))?)
            }
            (false, Some(Token::Quoted(text))) => Literal::Text(text),
            (true, _) => return Err(format!("{property} needs a time without quotes")),
            (false, _) => return Err(format!("{property} needs a string in single quotes")),
        };
        Ok(Comparison {
            property,
            operator,
            literal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERABLE: [&str; 4] = ["displayName", "description", "status", "createdDateTime"];

    fn passes(filter: &str) -> bool {
        Filter::parse(filter, &FILTERABLE).unwrap().holds(&|name| match name {
            "displayName" => Property::Text(Some("Claims 'A'")),
            "status" => Property::Text(Some("Running")),
            "createdDateTime" => Property::Time("2026-02-03T08:15:00Z".parse().unwrap()),
            _ => Property::Text(None),
        })
    }

    #[test]
    fn comparisons_hold_as_written() {
        assert!(passes("status eq 'Running'"));
        assert!(!passes("status ne 'Running'"));
        assert!(passes("displayName eq 'Claims ''A'''"));
        assert!(passes("createdDateTime ge 2026-02-03T08:15:00Z"));
        assert!(!passes("createdDateTime gt 2026-02-03T08:15:00Z"));
        assert!(passes("createdDateTime lt 2026-03-01T00:00:00+01:00"));
    }

    #[test]
    fn an_absent_value_equals_nothing() {
        assert!(!passes("description eq ''"));
        assert!(passes("description ne 'x'"));
    }

    #[test]
    fn and_binds_more_tightly_than_or_and_not_most_tightly() {
        assert!(passes("status eq 'Running' or status eq 'x' and status eq 'y'"));
        assert!(!passes("(status eq 'Running' or status eq 'x') and status eq 'y'"));
        assert!(passes("not status eq 'Failed' and not (status eq 'x')"));
    }

    #[test]
    fn what_the_service_does_not_know_is_refused() {
        for filter in [
            "",
            "status",
            "status eq",
            "status eq Running",
            "status gt 'Running'",
            "createdDateTime ge '2026-01-01T00:00:00Z'",
            "createdDateTime ge yesterday",
            "customProperties eq 'x'",
            "status like 'R'",
            "status eq 'Running",
            "(status eq 'Running'",
            "status eq 'Running')",
            "status eq 'Running' status eq 'x'",
        ] {
            assert!(Filter::parse(filter, &FILTERABLE).is_err(), "{filter}");
        }
        assert!(Filter::parse(&"not ".repeat(10_000), &FILTERABLE).is_err());
    }
}
