//! `toneup vapid`: generates the VAPID key pair for Web Push (RFC 8292).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::Args;
use serde_json::json;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::rand_core::OsRng;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;

use crate::exit::{self, Ending};
use crate::output::Output;

/// Generate a key pair for Web Push (VAPID)
///
/// Prints the private key as a setting of the api. Keep it: browsers subscribe with the public key that follows from
/// it, and with another one they have to subscribe again.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct VapidArgs {}

const HELP: &str = exit::help!("toneup vapid >> .env", "toneup vapid --json");

/// Runs `toneup vapid` with these arguments.
pub(crate) fn run(_: &VapidArgs, output: &Output) -> anyhow::Result<Ending> {
    let (private, public) = encode(&SecretKey::random(&mut OsRng));
    let document = json!({ "privateKey": private, "publicKey": public });
    output.answer(&document, |_| format!("VAPID_PRIVATE_KEY={private}"))?;
    Ok(Ending::Done)
}

/// Encodes the private key's 32 bytes and the public key's uncompressed point in base64url.
fn encode(secret: &SecretKey) -> (String, String) {
    let public = secret.public_key().to_encoded_point(false);
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    (encode(&secret.to_bytes()), encode(public.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_as_push_services_and_browsers_read_it() {
        // RFC 8291 §5.
        let private = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(private).unwrap();
        let (again, public) = encode(&SecretKey::from_slice(&bytes).unwrap());
        assert_eq!(again, private);
        assert_eq!(
            public,
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
        );
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let key = || encode(&SecretKey::random(&mut OsRng));
        assert_ne!(key().0, key().0);
    }
}
