//! Event to Avro and back, schema catalogue. The only home of Avro.
