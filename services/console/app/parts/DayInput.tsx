/** Days and minutes, picked or typed in the form of the chosen language, by the clock of the city. */
import { DatePicker } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import "dayjs/locale/en-gb";
import "dayjs/locale/zh-cn";
import type { ComponentProps, FormEvent } from "react";
import { useLanguage } from "../text";
import { isElsewhere } from "./city";

interface Props extends Pick<ComponentProps<typeof DatePicker>, "id" | "size" | "style" | "className" | "status"> {
  /** `2022-03-01`, with minutes `2022-03-01T08:30`; what is picked has the same form. */
  value?: string;
  onChange?: (value: string | undefined) => void;
  min?: string;
  max?: string;
}

const DAY = { kept: "YYYY-MM-DD", en: "D MMM YYYY", zh: "YYYY年M月D日" };
const MINUTE = { kept: "YYYY-MM-DD[T]HH:mm", en: "D MMM YYYY HH:mm", zh: "YYYY年M月D日 HH:mm" };

export const DayInput = (props: Props) => <Picker {...props} form={DAY} />;
export const MinuteInput = (props: Props) => <Picker {...props} form={MINUTE} />;

function Picker({ form, value, onChange, min, max, style, ...rest }: Props & { form: typeof DAY }) {
  const language = useLanguage();
  const of = (text: string | undefined) => (text ? dayjs(text) : undefined);
  // Typed as it is shown, or as the standard has it.
  const formats = [form[language], form.kept, form.kept.replace("[T]", " ")];
  /** The picker itself takes what was typed only after its field was left, which is too late for a button that is pressed. */
  const take = ({ target }: FormEvent) => {
    const typed = dayjs((target as HTMLInputElement).value, formats, true);
    const kept = typed.isValid() ? typed.format(form.kept) : "";
    if (kept && kept >= (min ?? "") && (!max || kept.slice(0, max.length) <= max)) onChange?.(kept);
  };
  return (
    <span style={{ display: "contents" }} onInput={take}>
      <DatePicker
        {...rest}
        style={{ width: "100%", ...style }}
        format={formats}
        showTime={form === MINUTE && { format: "HH:mm" }}
        needConfirm={false}
        // The button takes the clock of the browser.
        showNow={!isElsewhere()}
        value={of(value) ?? null}
        minDate={of(min)}
        maxDate={of(max)}
        onChange={(at: Dayjs | null) => onChange?.(at?.format(form.kept))}
      />
    </span>
  );
}
