/** Versions of models, rules and profiles: short, in words where they have any; the whole one by pointer, by key or by touch. */
import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";

/** Names of editions that have words, such as `zh-1` and `cdc-2026-14`; another one is called what its file calls it. */
const NAMED = new Set(["shipped", "zh", "latin", "cdc", "suspicion"]);
/** A version that is nothing but the beginning of a hash. */
const HASH = /^[0-9a-f]{8,64}$/;
const HASH_SHOWN = 6;

/** `zh-1+3e8d1cb2433b` is the first edition of the model for Chinese names, and the hash of what it holds. */
export function useVersion(): (version: string) => string {
  const { t } = useTranslation();
  return (version) => {
    const [edition = "", hash] = version.split("+");
    if (HASH.test(edition)) return `${edition.slice(0, HASH_SHOWN)}…`;
    const [, name = "", year, number] = /^([a-z]+)-(?:(\d{4})-)?(\d+)$/.exec(edition) ?? [];
    const words = NAMED.has(name) ? t(`version.${name}`, { year, number }) : edition;
    return hash ? t("version.exactly", { words, hash: hash.slice(0, HASH_SHOWN) }) : words;
  };
}

export function Version({ of }: { of: string }) {
  const { t } = useTranslation();
  const say = useVersion();
  return (
    <Tooltip trigger={["hover", "focus"]} title={t("version.whole", { version: of })}>
      <span className="version" tabIndex={0} data-version={of}>
        {say(of)}
      </span>
    </Tooltip>
  );
}
