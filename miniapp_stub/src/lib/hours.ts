// Opening hours as the mall writes them: "1-4 10:00-22:00; 5-7 10:00-22:30", 1 is Monday. Anything else is shown as it is written.
const PART = /^([1-7])(?:-([1-7]))?\s+(\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2})$/;

export interface Hours {
  days: string;
  hours: string;
}

/** One line for each part; `day` names a weekday (0: every day), `to` stands between two. */
export function spokenHours(written: string, day: (number: number) => string, to: string): Hours[] {
  const parts = written.split(/[;；]/).map((part) => part.trim()).filter(Boolean);
  return parts.map((part) => {
    const found = PART.exec(part);
    if (!found) return { days: day(0), hours: part };
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    const days = first === 1 && last === 7 ? day(0) : first === last ? day(first) : `${day(first)}${to}${day(last)}`;
    return { days, hours: found[3].replace(/\s/g, "") };
  });
}
