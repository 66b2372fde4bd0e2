//! Views, receipts, migrations. The only home of SQL.
