use super::*;

/// The compiler asks for a new action here.
const fn next(action: Action) -> Option<Action> {
    match action {
        Action::Registered => Some(Action::SignedIn),
        Action::SignedIn => Some(Action::SignInFailed),
        Action::SignInFailed => Some(Action::SignInThrottled),
        Action::SignInThrottled => Some(Action::SignInLocked),
        Action::SignInLocked => Some(Action::RegistrationThrottled),
        Action::RegistrationThrottled => Some(Action::Rotated),
        Action::Rotated => Some(Action::Used),
        Action::Used => Some(Action::Repeated),
        Action::Repeated => Some(Action::Recovered),
        Action::Recovered => Some(Action::LateReuse),
        Action::LateReuse => Some(Action::Reuse),
        Action::Reuse => Some(Action::AheadOfTable),
        Action::AheadOfTable => Some(Action::Refused),
        Action::Refused => Some(Action::Unacceptable),
        Action::Unacceptable => Some(Action::SessionEnded),
        Action::SessionEnded => Some(Action::SessionEvicted),
        Action::SessionEvicted => Some(Action::AllSessionsEnded),
        Action::AllSessionsEnded => Some(Action::KeyCreated),
        Action::KeyCreated => Some(Action::KeyDeleted),
        Action::KeyDeleted => Some(Action::IdentityLinked),
        Action::IdentityLinked => Some(Action::IdentityUnlinked),
        Action::IdentityUnlinked => Some(Action::CodeReuse),
        Action::CodeReuse => None,
    }
}

#[test]
fn all_are_all() {
    let chain: Vec<_> = std::iter::successors(Some(Action::Registered), |action| next(*action)).collect();
    assert_eq!(chain, Action::ALL);
}
