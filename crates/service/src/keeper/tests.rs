use super::*;
use futures::future::BoxFuture;
use std::sync::atomic::AtomicUsize;

/// Gives numbered tokens that live so long, each after a second, or fails.
#[derive(Clone, Default)]
struct Authority {
    lives: Arc<Mutex<Duration>>,
    is_down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Authority {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn is_down(&self, down: bool) {
        self.is_down.store(down, Ordering::Relaxed);
    }
}

impl TokenSource for Authority {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, TokenError>> {
        Box::pin(async {
            let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.is_down.load(Ordering::Relaxed) {
                return Err(TokenError::new(TokenTrouble::Unavailable, format!("down {number}")));
            }
            let token = AccessToken::parse(&format!("token-{number}"))?;
            let lives = *self.lives.lock().unwrap();
            Ok(Fetched { token, lives })
        })
    }
}

fn keeper(lives: u64) -> (Authority, TokenKeeper) {
    let authority = Authority::default();
    *authority.lives.lock().unwrap() = Duration::from_secs(lives);
    (authority.clone(), TokenKeeper::new(authority))
}

async fn given(keeper: &TokenKeeper) -> String {
    match keeper.token().await {
        Ok(kept) => kept.token.secret().expose().to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn many_who_need_the_first_token_wait_for_one_fetch() {
    let (authority, keeper) = keeper(3600);
    let all = futures::future::join_all((0..20).map(|_| given(&keeper))).await;
    assert!(all.iter().all(|token| token == "token-1"), "{all:?}");
    assert_eq!(authority.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_its_end_and_nobody_waits_for_that() {
    for (lives, renewed_after) in [(3600, 3300), (600, 300), (60, 30)] {
        let (authority, keeper) = keeper(lives);
        given(&keeper).await;
        pass(renewed_after - 2).await;
        assert_eq!(given(&keeper).await, "token-1");
        pass(3).await;
        assert_eq!(given(&keeper).await, "token-1", "the renewal takes a second");
        pass(2).await;
        assert_eq!(
            (given(&keeper).await, authority.asked()),
            ("token-2".to_owned(), 2),
            "{lives}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_no_trouble_until_the_token_ends_and_is_tried_ever_less_often() {
    let (authority, keeper) = keeper(3600);
    given(&keeper).await;
    authority.is_down(true);
    pass(3301).await;
    for _ in 0..250 {
        assert_eq!(given(&keeper).await, "token-1");
        pass(1).await;
    }
    let asked = authority.asked();
    assert!((6..12).contains(&asked), "{asked}");
    pass(60).await;
    let told = given(&keeper).await;
    assert!(told.starts_with("down"), "{told}");
    authority.is_down(false);
    let now = authority.asked();
    assert_eq!(
        (given(&keeper).await, authority.asked()),
        (told, now),
        "not asked again within a second"
    );
    pass(2).await;
    assert!(
        given(&keeper).await.starts_with("token"),
        "who has none waits for no pause of renewals"
    );
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_hear_of_one_failure() {
    let (authority, keeper) = keeper(3600);
    authority.is_down(true);
    let all = futures::future::join_all((0..20).map(|_| given(&keeper))).await;
    assert!(all.iter().all(|told| told == "down 1"), "{all:?}");
    assert_eq!(authority.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_good_and_is_refused_is_dropped_and_a_young_one_is_not() {
    let (authority, keeper) = keeper(3600);
    let first = keeper.token().await.unwrap();
    assert!(!keeper.refused(&first), "a new one would say the same");
    first.accepted();
    assert!(keeper.refused(&first));
    assert!(keeper.refused(&first), "who comes later asks with the new one");
    assert_eq!((given(&keeper).await, authority.asked()), ("token-2".to_owned(), 2));
    let second = keeper.token().await.unwrap();
    assert!(!keeper.refused(&second));
    pass(61).await;
    assert!(keeper.refused(&second), "what it was refused for may be over");
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_never_answers_is_given_up() {
    struct Silent;
    impl TokenSource for Silent {
        fn fetch(&self) -> BoxFuture<'_, Result<Fetched, TokenError>> {
            Box::pin(std::future::pending())
        }
    }
    let told = TokenKeeper::new(Silent).token().await.unwrap_err();
    assert!(told.is_transient());
    assert_eq!(told.to_string(), "no token came within 20 s");
}
