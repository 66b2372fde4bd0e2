//! Access tokens of an OpenID provider: discovery, its keys as they change, and the rules that a token must keep.
//!
//! What stands in a token counts only after its signature is checked with a key that the provider publishes under its own
//! address; headers that bring or name a key of their own are never followed. A token is short-lived and meant for this
//! hub. Whether its caller is still in service is not asked here: the register of callers says it on every request.

mod keys;
mod login;
mod provider;
mod signature;
mod token;

pub use login::{Leaving, LoginConfig, LoginTokens};
pub use provider::{Oidc, OidcError};
pub use token::{OidcConfig, TokenFlaw};
