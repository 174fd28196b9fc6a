//! What must come of each call and each request, by the protocol's own function: the session as it should be stored, and for every
//! request under way what it has seen and must do next.

use shared::{
    application::Application,
    protocol::{Reuse, Transition, transition},
    refresh_token::RefreshToken,
    session::{RevocationReason, Session},
    world::Timestamp,
};

/// What should be in the tables.
#[derive(Debug, Clone)]
pub struct Book {
    pub session: Session,
    pub active: bool,
    pub epoch: u64,
}

impl Book {
    fn honours(&self) -> bool {
        self.active && self.epoch == self.session.epoch
    }

    fn revoke(&mut self, reason: RevocationReason, now: Timestamp) {
        if self.session.revoked_at.is_none() {
            self.session.revoked_at = Some(now);
            self.session.revoked_reason = Some(reason);
        }
    }
}

/// What a request wants.
#[derive(Debug, Clone)]
pub enum Wish {
    Refresh(RefreshToken, Application),
    Logout(RefreshToken, Application),
    EndAll,
    SetActive(bool),
}

/// What a request must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// 200 with this refresh token, or with an access token alone.
    Tokens(Option<RefreshToken>),
    /// 200.
    Done,
    /// 401.
    Refused,
    /// 503.
    Unavailable,
}

/// A request under way.
#[derive(Debug, Clone)]
pub struct Expected {
    wish: Wish,
    now: Timestamp,
    user: Option<(bool, u64)>,
    found: Option<Found>,
    next: Next,
    /// The case, once it is decided.
    pub case: Option<char>,
}

#[derive(Debug, Clone)]
enum Found {
    Rotated(Session),
    Session(Session),
}

#[derive(Debug, Clone)]
enum Next {
    First,
    Displace(Session),
    End,
    Raise(u64),
    Answer(Said),
}

impl Expected {
    pub fn new(wish: Wish, now: Timestamp) -> Self {
        let next = match &wish {
            Wish::Refresh(token, _) | Wish::Logout(token, _) if token.absolute_expires_at <= now => {
                Next::Answer(Said::Refused)
            }
            _ => Next::First,
        };
        Self { wish, now, user: None, found: None, next, case: None }
    }

    /// What it must be answered, if nothing is left to do.
    pub fn answer(&self) -> Option<&Said> {
        match &self.next {
            Next::Answer(said) => Some(said),
            _ => None,
        }
    }

    /// A call of this request was performed. False if it was none that the protocol makes here.
    pub fn call(&mut self, operation: &str, table: &str, book: &mut Book) -> bool {
        match (operation, table, self.next.clone()) {
            ("GetItem", "users", Next::First) if self.user.is_none() => {
                self.user = Some((book.honours(), book.epoch));
                self.first_answered();
            }
            ("GetItem", "sessions", Next::First) if self.found.is_none() && !self.rotates() => {
                self.found = Some(Found::Session(book.session.clone()));
                self.first_answered();
            }
            ("UpdateItem", "sessions", Next::First) if self.found.is_none() => self.first_write(book),
            ("UpdateItem", "sessions", Next::Displace(seen)) => self.displace(&seen, book),
            ("UpdateItem", "sessions", Next::End) => {
                book.revoke(RevocationReason::Reuse, self.now);
                self.next = Next::Answer(Said::Refused);
            }
            ("UpdateItem", "users", Next::Raise(epoch)) => self.raise(epoch, book),
            _ => return false,
        }
        true
    }

    fn rotates(&self) -> bool {
        matches!(&self.wish, Wish::Refresh(_, application) if application.refresh.rotation)
    }

    fn first_write(&mut self, book: &mut Book) {
        match self.wish.clone() {
            Wish::Refresh(token, application) => {
                let current = self.judge(&book.session) == Transition::Current;
                if let Some(next) = token.position.successor().filter(|_| current) {
                    book.session.previous_branch = Some(token.position.branch);
                    self.advance(next, &application, book);
                    self.found = Some(Found::Rotated(book.session.clone()));
                } else {
                    self.found = Some(Found::Session(book.session.clone()));
                }
                self.first_answered();
            }
            Wish::Logout(_, application) => {
                let own = book.session.application_id == application.id;
                if own {
                    book.revoke(RevocationReason::Logout, self.now);
                }
                self.next = Next::Answer(if own { Said::Done } else { Said::Refused });
            }
            Wish::EndAll | Wish::SetActive(_) => {}
        }
    }

    fn advance(&self, position: shared::protocol::Position, application: &Application, book: &mut Book) {
        let session = &mut book.session;
        session.position = position;
        session.rotated_at = self.now;
        session.expires_at = application.refresh.idle_end(self.now, session.absolute_expires_at);
    }

    fn judge(&self, session: &Session) -> Transition {
        let Wish::Refresh(token, application) = &self.wish else { unreachable!("only a refresh is judged") };
        transition(token.position, application.id, session, &application.refresh, self.now)
    }

    fn first_answered(&mut self) {
        let Some((honoured, epoch)) = self.user else { return };
        match (&self.wish, self.found.clone()) {
            (Wish::SetActive(_), _) => self.next = Next::Raise(epoch),
            (Wish::EndAll, Some(Found::Session(session))) => {
                let stands = honoured && session.ending(self.now).is_none();
                self.next = if stands { Next::Raise(epoch) } else { Next::Answer(Said::Refused) };
            }
            (Wish::Refresh(..), Some(Found::Rotated(session))) => {
                self.case = Some(if honoured { 'A' } else { 'G' });
                self.next = Next::Answer(if honoured { tokens(&session) } else { Said::Refused });
            }
            (Wish::Refresh(_, application), Some(Found::Session(session))) => {
                let transition = self.judge(&session);
                if honoured && application.refresh.rotation && transition == Transition::Late {
                    self.case = Some('C');
                    self.next = Next::Displace(session);
                } else {
                    self.conclude(transition, &session, honoured);
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, transition: Transition, session: &Session, honoured: bool) {
        let used = !self.rotates();
        let (case, next) = match transition {
            Transition::Ended(_) => ('G', Next::Answer(Said::Refused)),
            _ if !honoured => ('G', Next::Answer(Said::Refused)),
            Transition::Current | Transition::Repeated | Transition::Late if used => {
                ('A', Next::Answer(Said::Tokens(None)))
            }
            Transition::Repeated => ('B', Next::Answer(tokens(session))),
            Transition::Reused(Reuse::LatePredecessor) => ('D', Next::End),
            Transition::Reused(Reuse::Superseded) => ('E', Next::End),
            Transition::Ahead => ('F', Next::Answer(Said::Refused)),
            Transition::Current | Transition::Late => ('J', Next::Answer(Said::Unavailable)),
        };
        self.case = Some(case);
        self.next = next;
    }

    fn displace(&mut self, seen: &Session, book: &mut Book) {
        let Wish::Refresh(token, application) = self.wish.clone() else { return };
        let unchanged = book.session.position == seen.position
            && book.session.previous_branch == Some(token.position.branch)
            && book.session.ending(self.now).is_none();
        if unchanged {
            self.advance(seen.position.sibling(), &application, book);
            self.next = Next::Answer(tokens(&book.session));
        } else {
            let found = book.session.clone();
            self.conclude(self.judge(&found), &found, true);
        }
    }

    fn raise(&mut self, seen: u64, book: &mut Book) {
        if book.epoch == seen {
            if let Wish::SetActive(active) = self.wish {
                book.active = active;
            }
            let raises = !matches!(self.wish, Wish::SetActive(true));
            book.epoch += u64::from(raises);
        }
        self.next = Next::Answer(Said::Done);
    }
}

fn tokens(session: &Session) -> Said {
    Said::Tokens(Some(session.refresh_token()))
}
