"""Pages that a redirect and a GET do not do: SAML's metadata, Telegram's widget, the icons that come with backends."""
