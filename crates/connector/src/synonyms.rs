//! What departments usually call the columns of each field: for guessing, never for reading.

use crate::columns::Field;
use crate::header::comparable;

/// Names of columns, in their comparable form, and the fields that they usually carry, the likeliest first.
const USUAL: &[(&[Field], &str)] = &[
    (
        &[Field::Name],
        "姓名 名字 旅客姓名 患者姓名 受检人 受检者 受检者姓名 户主姓名 机主姓名 客户姓名 name fullname full_name patientname passengername",
    ),
    (&[Field::FamilyName], "姓 姓氏 surname familyname family_name lastname last_name lname"),
    (&[Field::GivenName], "名 givenname given_name firstname first_name fname"),
    (&[Field::IdType], "证件类型 证件种类 证件类别 身份证件类型 idtype id_type doctype documenttype"),
    (
        &[Field::IdNumber],
        "身份证 身份证号 身份证号码 证件号 证件号码 证件编号 公民身份号码 身份号码 idnumber id_number idno id_no idcard id_card nationalid national_id documentnumber",
    ),
    (
        &[Field::Phone, Field::ContactPhone],
        "手机 手机号 手机号码 电话 电话号码 本人电话 phone mobile msisdn phonenumber phone_number mobilephone",
    ),
    (
        &[Field::ContactPhone, Field::Phone],
        "联系电话 联系方式 联系手机 联系人电话 contactphone contact_phone tel telephone contact",
    ),
    (&[Field::Sex], "性别 sex gender"),
    (&[Field::BirthDate], "出生日期 出生年月 出生年月日 生日 birthdate birth_date dob dateofbirth birthday"),
    (&[Field::Nationality], "国籍 国家 国家地区 国籍地区 nationality country"),
    (&[Field::Address], "地址 现住址 居住地址 住址 家庭住址 现居住地 address residence street street_address"),
    (&[Field::RegisteredAddress, Field::Address], "户籍地址 户籍地 户口所在地 registeredaddress"),
    (&[Field::DivisionCode], "区划代码 行政区划 行政区划代码 区划 divisioncode division_code areacode"),
    (&[Field::CommunityUnit], "网格 网格编号 网格号 社区 社区编号 grid community"),
    (&[Field::AccountStatus, Field::Status], "账户状态 用户状态 在网状态 accountstatus"),
    (&[Field::GateCard], "门禁卡 门禁卡号 gatecard cardno card_no card"),
    (&[Field::Wallet], "钱包 钱包账号 用户号 用户id 付款账号 walletid wallet payerid userid user_id"),
    (&[Field::BankCard], "银行卡号 卡号 银行账号 账号 bankcard cardnumber account"),
    (&[Field::Imsi], "imsi"),
    (&[Field::Mrn], "病历号 病案号 门诊号 住院号 就诊卡号 mrn patientid patient_id"),
    (&[Field::HealthCard], "健康卡 健康卡号 电子健康卡 社保卡号 healthcard"),
    (&[Field::Plate], "车牌 车牌号 车牌号码 号牌 plate licenseplate"),
    (&[Field::RecordId], "流水号 编号 记录号 记录编号 序列号 唯一标识 recordid record_id id uuid rowid row_id"),
    (&[Field::Sequence], "序号 sequence seqno no"),
    (
        &[Field::UpdatedTime],
        "更新时间 修改时间 操作时间 变更时间 updatedtime updated_time updatedat updated_at lastmodified modified",
    ),
    (&[Field::Status], "状态 交易状态 车票状态 status state test_result_status result_status"),
    (
        &[Field::StartTime],
        "发病日期 发病时间 入院日期 入院时间 就诊日期 就诊时间 date_of_onset onset_date illness_onset_date dateofonset date_onset symptom_onset admission_date date_of_admission admitted_at date_of_hospitalisation date_of_hospitalization 开始时间 起始时间 进入时间 时间 发生时间 starttime start_time start eventtime event_time timestamp time",
    ),
    (
        &[Field::EndTime],
        "出院日期 出院时间 转归日期 discharge_date date_of_discharge date_of_outcome date_outcome 结束时间 离开时间 终止时间 endtime end_time end",
    ),
    (&[Field::ValidFrom], "生效时间 生效日期 开户时间 入网时间 开通日期 validfrom valid_from opened openedat"),
    (&[Field::ValidTo], "失效时间 失效日期 销户时间 离网时间 validto valid_to closed closedat"),
    (
        &[Field::PlaceId],
        "小区编号 小区号 基站编号 基站 小区 ci cgi ecgi ncgi cellid cell_id cell placeid place_id stop_id stopid",
    ),
    (&[Field::PlaceName], "地点 地点名称 场所 场所名称 商户名称 店名 placename place_name stop_name location"),
    (&[Field::Latitude], "纬度 latitude lat stop_lat y"),
    (&[Field::Longitude], "经度 longitude lon lng long stop_lon x"),
    (&[Field::Datum], "坐标系 坐标系统 datum crs"),
    (&[Field::Azimuth], "方位角 azimuth"),
    (&[Field::RadiusM], "半径 覆盖半径 radius radius_m"),
    (&[Field::EventKind], "事件类型 事件 eventtype event_type event"),
    (&[Field::PlaceKind], "场所类型 地点类型 placekind place_kind placetype"),
    (&[Field::TicketNumber], "票号 电子客票号 车票号 客票号 ticketnumber ticket_number ticketno ticket"),
    (&[Field::TrainNumber], "车次 车次号 trainnumber train_number trainno train"),
    (&[Field::BoardingDate], "乘车日期 乘车日 上车日期 boardingdate boarding_date traveldate"),
    (&[Field::ServiceDate], "始发日期 开行日期 servicedate service_date"),
    (&[Field::Origin], "发站 始发站 出发站 出发地 上车站 起点 origin from departurestation"),
    (&[Field::Destination], "到站 终到站 到达站 目的地 下车站 终点 destination to arrivalstation"),
    (&[Field::Carriage], "车厢 车厢号 carriage coach"),
    (&[Field::Seat], "座位 座位号 席位 席位号 seat seatno"),
    (&[Field::DepartTime], "开车时间 发车时间 出发时间 departtime depart_time departuretime departure departure_time"),
    (&[Field::ArriveTime], "到达时间 到站时间 arrivetime arrive_time arrivaltime arrival arrival_time"),
    (&[Field::TravelMode], "交通方式 mode travelmode"),
    (
        &[Field::OrderNumber],
        "订单号 交易号 交易单号 商户单号 交易流水号 ordernumber order_number orderno order_id orderid",
    ),
    (&[Field::PaidTime], "支付时间 交易时间 付款时间 paidtime paid_time paymenttime transactiontime transaction_time"),
    (&[Field::Amount], "金额 交易金额 支付金额 金额(元) amount sum"),
    (&[Field::Currency], "币种 货币 currency ccy"),
    (&[Field::Merchant], "商户 商户号 商户编号 merchant merchantid merchant_id"),
    (&[Field::Terminal], "终端 终端号 终端编号 门店号 terminal terminalid terminal_id pos"),
    (&[Field::Direction], "方向 进出 进出方向 收/支 收支 direction inout"),
    (&[Field::Channel], "渠道 支付渠道 支付方式 交易类型 channel"),
    (
        &[Field::Specimen],
        "样本号 样本编号 标本号 标本编号 条码 条码号 试管编号 采样编号 specimen specimenid specimen_id sampleid sample_id barcode",
    ),
    (&[Field::Pool], "混管编号 混采编号 混样编号 pool poolid pool_id"),
    (&[Field::CollectionPlace], "采样点 采样地点 采集地点 采样单位 collectionplace collectionsite"),
    (
        &[Field::CollectedTime],
        "采样时间 采集时间 采样日期 采集日期 collectedtime collected_time collected specimen_date collectiondate collection_date specimen_collection_date specimen_collection_date_time",
    ),
    (
        &[Field::TestCode],
        "检测项目 检验项目 项目 项目代码 项目名称 testcode test_code test loinc ordered_test_code test_performed_code",
    ),
    (&[Field::CodeSystem], "编码系统 代码系统 codesystem"),
    (&[Field::Result], "结果 检测结果 检验结果 result testresult test_result result_code test_result_code outcome"),
    (
        &[Field::Encounter],
        "就诊号 就诊流水号 住院流水号 病例号 病例编号 个案编号 encounter encounterid encounter_id visit visitid visit_id visitnumber visit_number caseid case_id casenumber case_number case_no",
    ),
    (&[Field::EncounterClass], "就诊类型 患者类别 encounterclass encounter_class patientclass patient_class"),
    (&[Field::Ward], "病区 病房 床号 病床 科室 ward ward_bed bed room department"),
    (&[Field::Diagnosis], "诊断 诊断名称 诊断编码 入院诊断 疾病名称 diagnosis diagnoses disease icd10 icd_10 icd"),
    (&[Field::CtValue], "ct值 ct ctvalue ct_value"),
    (
        &[Field::ReportedTime],
        "报告时间 报告日期 出结果时间 检测时间 检验时间 检测日期 reportedtime reported_time reported reportdate report_date resultdate result_date date_result_released test_result_date test_date",
    ),
    (&[Field::Lab], "检测机构 检验机构 检测单位 实验室 lab laboratory lab_name testing_lab_name"),
    (
        &[Field::GateId],
        "门岗 门岗编号 卡口 卡口编号 闸机 闸机编号 门编号 设备编号 gateid gate_id gate deviceid device_id",
    ),
    (&[Field::DeviceSequence], "设备序号 设备流水 设备流水号 devicesequence device_sequence deviceseq seq"),
    (
        &[Field::ScanTime],
        "扫码时间 通行时间 刷卡时间 过闸时间 通过时间 scantime scan_time passtime pass_time scannedat",
    ),
    (&[Field::Decision], "放行 是否放行 处置 通行结果 decision allowed"),
    (&[Field::CodeColour], "健康码 码色 健康码颜色 code colour color codecolour code_colour"),
    (&[Field::Temperature], "体温 温度 temperature temp"),
    (&[Field::Household], "户号 户编号 家庭编号 户籍号 household householdid household_id"),
    (&[Field::HouseholdKind], "户别 户类型 户口类型 householdkind"),
    (&[Field::Relation], "与户主关系 关系 relation relationship"),
    (&[Field::MovedIn], "迁入日期 入住日期 迁入时间 movedin moved_in"),
    (&[Field::MovedOut], "迁出日期 搬出日期 迁出时间 movedout moved_out"),
    (&[Field::CaseId], "病例编号 病例号 卡片编号 caseid case_id"),
    (&[Field::ConfirmedTime], "确诊时间 确诊日期 诊断时间 confirmedtime confirmed_time date_of_confirmation"),
    (&[Field::ClosedTime], "结案时间 结案日期 closedtime closed_time"),
    (&[Field::IsolatedTime], "隔离时间 隔离日期 isolatedtime isolated_time"),
    (&[Field::CaseUnit], "负责单位 承办单位 case_unit caseunit"),
    (&[Field::Cluster], "聚集性疫情编号 疫情编号 cluster cluster_id"),
    (&[Field::MeterId], "表号 电表号 电表编号 表计编号 meterid meter_id meter meterno"),
    (&[Field::MeterAccount, Field::Household], "用户编号 用电户号 meteraccount account_no"),
    (&[Field::Register], "寄存器 数据项 obis register"),
    (&[Field::Value], "示数 读数 表底 抄表示数 value reading consumption"),
    (&[Field::Unit], "单位 计量单位 unit"),
    (&[Field::Multiplier], "倍率 综合倍率 multiplier ctratio"),
    (&[Field::ReadTime], "抄表时间 抄表日期 读取时间 冻结时间 readtime read_time readingtime readat"),
    (&[Field::Quality], "质量 数据质量 抄表方式 quality"),
];

/// What names of columns begin with where a row holds more than the person.
const SUBJECTS: &[&str] = &["patient_", "pt_", "person_", "subject_", "患者", "受检者", "病人"];

/// The fields that a column of this name usually carries, the likeliest first.
pub(crate) fn fields_of(name: &str) -> &'static [Field] {
    let name = comparable(name);
    // Of a path, its last part names the value.
    let last = name.rsplit(['.', '/', '@']).next().unwrap_or_default();
    let usual = |wanted: &str| USUAL.iter().find(|(_, names)| names.split(' ').any(|usual| usual == wanted));
    // What a flat export says of the patient is said of whoever the row is about.
    let own = SUBJECTS.iter().find_map(|subject| last.strip_prefix(subject));
    usual(&name).or_else(|| usual(last)).or_else(|| usual(own?)).map_or(&[], |(fields, _)| fields)
}
