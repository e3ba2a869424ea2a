pub fn upgrade() {}
