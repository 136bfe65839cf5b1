//! Which authentication method comes next? Main type: [`Methods`], pure. The order is ssh's (`sshconnect2.c`,
//! `authmethod_get`): the first of PreferredAuthentications that the server still accepts and that is not used up.

use russh::MethodKind;

use crate::config::Host;

/// A method that hop supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    PublicKey,
    KeyboardInteractive,
    Password,
}

impl Method {
    /// Its name in RFC 4252 and RFC 4256.
    pub fn name(self) -> &'static str {
        match self {
            Method::PublicKey => "publickey",
            Method::KeyboardInteractive => "keyboard-interactive",
            Method::Password => "password",
        }
    }

    fn from_name(name: &str) -> Option<Method> {
        let all = [Method::PublicKey, Method::KeyboardInteractive, Method::Password];
        all.into_iter().find(|method| method.name() == name)
    }

    fn is_enabled(self, host: &Host) -> bool {
        match self {
            Method::PublicKey => *host.pubkey_authentication,
            Method::KeyboardInteractive => *host.kbd_interactive_authentication,
            Method::Password => *host.password_authentication,
        }
    }
}

/// The methods of one login and how far they have been used.
pub(super) struct Methods {
    allowed: Vec<Method>,
    left: Vec<Method>,
    offered: Vec<String>,
}

impl Methods {
    /// The methods that the configuration of `host` allows, in its order.
    pub fn of(host: &Host) -> Methods {
        let preferred = host.preferred_authentications.iter();
        let named = preferred.filter_map(|name| Method::from_name(name));
        let allowed: Vec<Method> = named.filter(|method| method.is_enabled(host)).collect();
        Methods { left: allowed.clone(), allowed, offered: Vec::new() }
    }

    /// Applies the list in a USERAUTH_FAILURE (RFC 4252 §5.1).
    pub fn update(&mut self, offered: &[MethodKind]) {
        self.offered = offered.iter().map(String::from).collect();
    }

    /// Marks a method as having nothing more to try.
    pub fn used_up(&mut self, method: Method) {
        self.left.retain(|left| *left != method);
    }

    /// The method to try first, if the server accepts it.
    pub fn preferred(&self) -> Option<Method> {
        self.left.first().copied()
    }

    /// The method to try next.
    pub fn next(&self) -> Option<Method> {
        self.left.iter().copied().find(|method| self.takes(*method))
    }

    /// Whether the server accepts the method and the configuration allows it, used up or not.
    pub fn could(&self, method: Method) -> bool {
        self.allowed.contains(&method) && self.takes(method)
    }

    /// Whether the server accepts the method.
    pub fn takes(&self, method: Method) -> bool {
        self.offered.iter().any(|name| name == method.name())
    }

    /// The names of the methods the server accepts.
    pub fn offered(&self) -> &[String] {
        &self.offered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MethodKind as Kind;

    fn methods(left: &[Method]) -> Methods {
        Methods { allowed: left.to_vec(), left: left.to_vec(), offered: Vec::new() }
    }

    #[test]
    fn the_first_preferred_that_the_server_takes() {
        let mut methods = methods(&[Method::PublicKey, Method::KeyboardInteractive, Method::Password]);
        assert_eq!((methods.preferred(), methods.next()), (Some(Method::PublicKey), None), "the server has not spoken");
        methods.update(&[Kind::Password, Kind::PublicKey]);
        assert_eq!(methods.next(), Some(Method::PublicKey));
        methods.used_up(Method::PublicKey);
        assert_eq!(methods.next(), Some(Method::Password));
        methods.update(&[Kind::KeyboardInteractive]);
        assert_eq!(methods.next(), Some(Method::KeyboardInteractive), "after a partial success");
        methods.update(&[Kind::PublicKey, Kind::HostBased]);
        assert_eq!(methods.next(), None, "used up stays used up");
        assert!(methods.could(Method::PublicKey) && !methods.could(Method::Password));
    }

    #[test]
    fn the_order_is_the_users() {
        let mut methods = methods(&[Method::Password, Method::PublicKey]);
        methods.update(&[Kind::PublicKey, Kind::Password]);
        assert_eq!(methods.next(), Some(Method::Password));
    }
}
