/** What people call the feeds whose profiles come with the hub. Another one has the title of its profile, or its id. */
import { useLanguage } from "../text";

const NAMES: Record<string, { en: string; zh: string }> = {
  "air-passengers": { en: "Passenger lists and bookings (EDIFACT)", zh: "航空旅客（EDIFACT）" },
  "bank-statements": { en: "Bank statements (ISO 20022)", zh: "银行对账单（ISO 20022）" },
  "card-messages": { en: "Card messages (ISO 8583)", zh: "银行卡报文（ISO 8583）" },
  "case-reports": { en: "Case reports", zh: "病例报告" },
  "cell-register": { en: "Cell register", zh: "基站登记" },
  "gate-register": { en: "Gate register", zh: "门禁登记" },
  "gate-scans": { en: "Gate scans", zh: "门禁扫码" },
  "gtfs-stops": { en: "Stops of public transport (GTFS)", zh: "公共交通站点（GTFS）" },
  "hospital-fhir": { en: "Hospital resources (FHIR R4)", zh: "医院数据（FHIR）" },
  "hospital-hl7": { en: "Hospital messages (HL7 v2)", zh: "医院消息（HL7 v2）" },
  "hospital-register": { en: "Hospital register", zh: "医院登记" },
  "household-register": { en: "Household register", zh: "户籍登记" },
  "lab-results": { en: "Laboratory results", zh: "检验结果" },
  "lab-results-pdi": { en: "Laboratory results, English export form", zh: "检验结果（表格）" },
  "location-updates": { en: "Location updates", zh: "位置更新" },
  "meter-readings": { en: "Meter readings", zh: "电表读数" },
  "rail-tickets": { en: "Rail tickets", zh: "铁路客票" },
  "subscriber-register": { en: "Subscriber register", zh: "电话用户登记" },
  "wallet-scans": { en: "Wallet scans", zh: "钱包扫码" },
};

export function useFeedName(): (feed: string, title?: string) => string {
  const language = useLanguage();
  return (feed, title) => (language === "en" && title) || (NAMES[feed]?.[language] ?? title ?? feed);
}
