//! Process shell: config, telemetry, start, stop.
