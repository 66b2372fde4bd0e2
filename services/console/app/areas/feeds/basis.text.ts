/** The legal bases of the profiles that ship, in Chinese. */
const LAW = "《中华人民共和国传染病防治法》";
const OF = "Law on the Prevention and Treatment of Infectious Diseases";

export const BASIS_ZH: Record<string, string> = {
  [`Regulations on Household Registration; ${OF}`]: `《中华人民共和国户口登记条例》；${LAW}`,
  [`${OF}, community control`]: `${LAW}，社区防控`,
  [`${OF}, reporting of cases`]: `${LAW}，病例报告`,
  [`${OF}, reporting by medical institutions`]: `${LAW}，医疗机构报告`,
  [`${OF}, reporting by laboratories`]: `${LAW}，检验机构报告`,
  [`${OF}, cooperation of operators`]: `${LAW}，电信运营者配合`,
  [`${OF}, cooperation of payment services`]: `${LAW}，支付机构配合`,
  [`${OF}, cooperation of carriers`]: `${LAW}，运输单位配合`,
  "Frontier Health and Quarantine Law, information from carriers": "《中华人民共和国国境卫生检疫法》，运输单位提供信息",
  "Open data of public transport": "公共交通开放数据",
};
