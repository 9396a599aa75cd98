"""Pattern banks: pictures of moiré, flare, haze, rain and reflected scenes that degradations draw from."""
