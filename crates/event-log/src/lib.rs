//! Publish and read a topic at a position. The only home of Kafka.
