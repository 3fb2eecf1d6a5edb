/** The signals of the dashboard, below `Vehicle`; apps/dashboard/app.toml asks for the same. */

export const SPEED = "Speed";
export const TRIP = "TraveledDistanceSinceStart";
export const TIME = "TripDuration";
export const AVERAGE = "AverageSpeed";
export const CONSUMED = "Powertrain.TractionBattery.AccumulatedConsumedEnergy";
export const RECOVERED = "Powertrain.AccumulatedBrakingEnergy";
export const POWER = "Powertrain.TractionBattery.CurrentPower";
export const CHARGE = "Powertrain.TractionBattery.StateOfCharge.Displayed";
export const RANGE = "Powertrain.Range";
const CHARGING = "Powertrain.TractionBattery.Charging";
export const IS_CHARGING = `${CHARGING}.IsCharging`;
export const CABLE = `${CHARGING}.ChargingPort.AnyPosition.IsChargingCableConnected`;
export const COMPLETE = `${CHARGING}.TimeToComplete`;
export const LIMIT = `${CHARGING}.ChargeLimit`;
export const FLAP = `${CHARGING}.ChargingPort.AnyPosition.IsFlapOpen`;
const HVAC = "Cabin.HVAC";
export const CABIN = `${HVAC}.AmbientAirTemperature`;
export const OUTSIDE = "Exterior.AirTemperature";
export const CLIMATE = `${HVAC}.IsAirConditioningActive`;
export const RECIRCULATION = `${HVAC}.IsRecirculationActive`;
export const DEFROST = `${HVAC}.IsFrontDefrosterActive`;
export const WISHES = {
  left: `${HVAC}.Station.Row1.Driver.Temperature`,
  right: `${HVAC}.Station.Row1.Passenger.Temperature`,
};
export const WINDOWS = {
  "Front left": "Cabin.Door.Row1.DriverSide.Window.Position",
  "Front right": "Cabin.Door.Row1.PassengerSide.Window.Position",
  "Rear left": "Cabin.Door.Row2.DriverSide.Window.Position",
  "Rear right": "Cabin.Door.Row2.PassengerSide.Window.Position",
};

/** What can be moved. */
export const MOVED = [
  LIMIT,
  FLAP,
  CLIMATE,
  RECIRCULATION,
  DEFROST,
  ...Object.values(WISHES),
  ...Object.values(WINDOWS),
];

export const ALL = [
  ...[SPEED, TRIP, TIME, AVERAGE, CONSUMED, RECOVERED, POWER, CHARGE, RANGE],
  ...[IS_CHARGING, CABLE, COMPLETE, CABIN, OUTSIDE],
  ...MOVED,
];
