import { Withheld } from "../../parts/Page";
import { Golden } from "../../parts/person/Golden";
import { useShown } from "./Person";

/** The golden record, with the provenance of each value where that may be shown. */
export function FilePage() {
  const { file } = useShown();
  return (
    <>
      <Withheld of="read-person" groups={file.withheld} />
      <Golden file={file} />
    </>
  );
}
