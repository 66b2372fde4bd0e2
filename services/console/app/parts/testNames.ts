/** What tests are called. Laboratories send LOINC codes, or names; a name that is not known stands for itself. */
import { useLanguage } from "../text";

const NAMES: Record<string, { en: string; zh: string }> = {
  "92141-1": { en: "Influenza B RNA", zh: "乙型流感病毒核酸" },
  "92142-9": { en: "Influenza A RNA", zh: "甲型流感病毒核酸" },
  "94309-2": { en: "SARS-CoV-2 RNA", zh: "新冠病毒核酸" },
  "94500-6": { en: "SARS-CoV-2 RNA, respiratory", zh: "新冠病毒核酸（呼吸道标本）" },
  "94558-4": { en: "SARS-CoV-2 antigen", zh: "新冠病毒抗原" },
  新型冠状病毒核酸: { en: "SARS-CoV-2 RNA", zh: "新型冠状病毒核酸" },
  新型冠状病毒抗原: { en: "SARS-CoV-2 antigen", zh: "新型冠状病毒抗原" },
  "95941-1": { en: "Influenza A and B, RSV and SARS-CoV-2 RNA", zh: "甲乙流、合胞病毒与新冠病毒核酸" },
};

export function useTestName(): (code: string) => string {
  const language = useLanguage();
  return (code) => NAMES[code]?.[language] ?? code;
}
