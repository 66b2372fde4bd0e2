"""Decodes topics of the hub with Confluent's Python client and its Avro deserializer, and prints JSON lines.

    confluent_decode.py --registry URL --bootstrap HOST:PORT --topic TOPIC [--count N] [--timeout SECONDS]
    confluent_decode.py --registry URL --hex          (standard input: lines of "TOPIC HEX-OF-THE-PAYLOAD")

One line for each message: {"topic", "key", "partition", "offset", "headers", "value"}; with --hex {"topic", "value"}.
Instants are RFC 3339, days YYYY-MM-DD, decimals and UUIDs text, other bytes hexadecimal digits.
Ends with status 1 when fewer than --count messages came in time, or one does not decode.
"""

import argparse
import datetime
import decimal
import json
import sys
import time
import uuid

import fastavro.read
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

# Avro 1.12 allows the logical type uuid on a fixed of 16 bytes; fastavro reads such a value as bare bytes.
fastavro.read.LOGICAL_READERS["fixed-uuid"] = lambda data, *_: uuid.UUID(bytes=data)


def plain(value):
    """A value that JSON has no word for, as text."""
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, (datetime.date, uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def show(line):
    print(json.dumps(line, default=plain, ensure_ascii=False), flush=True)


def decode_lines(deserialize):
    for line in sys.stdin:
        topic, payload = line.split()
        context = SerializationContext(topic, MessageField.VALUE)
        show({"topic": topic, "value": deserialize(bytes.fromhex(payload), context)})


def consume(deserialize, bootstrap, topic, count, timeout):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"clients-{uuid.uuid4()}"})
    deadline = time.monotonic() + timeout
    try:
        partitions = consumer.list_topics(topic, timeout=timeout).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        seen = 0
        while seen < count and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                raise RuntimeError(message.error())
            seen += 1
            show({
                "topic": message.topic(),
                "key": message.key().decode() if message.key() else None,
                "partition": message.partition(),
                "offset": message.offset(),
                "headers": {name: value.decode() for name, value in message.headers() or []},
                "value": deserialize(message.value(), SerializationContext(topic, MessageField.VALUE)),
            })
        return seen
    finally:
        consumer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", required=True, help="address of the schema registry")
    parser.add_argument("--hex", action="store_true", help="read payloads from standard input")
    parser.add_argument("--bootstrap", help="address of a Kafka broker")
    parser.add_argument("--topic")
    parser.add_argument("--count", type=int, default=1, help="messages to read")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for them")
    args = parser.parse_args()
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": args.registry}))
    if args.hex:
        decode_lines(deserialize)
    elif args.bootstrap and args.topic:
        seen = consume(deserialize, args.bootstrap, args.topic, args.count, args.timeout)
        if seen < args.count:
            sys.exit(f"only {seen} of {args.count} messages came in time")
    else:
        parser.error("give --hex, or --bootstrap and --topic")


if __name__ == "__main__":
    main()
