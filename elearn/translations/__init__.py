"""The interface in other languages than English: `<tag>/messages.po`, read by `i18n`."""
