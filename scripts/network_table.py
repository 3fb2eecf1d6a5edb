"""The car's network as a table: buses, units, messages, signals. `scripts/network.py` makes DBC of it.

A message: `name id bus sender cycle_ms send profile: comment`, send being C (cyclic), X (on change) or
B (both), profile 1, 2 or 0. A signal: `name bits scale offset unit: comment`, `s` after the bits for a
signed one, `=raw` for a start value, `{0 off, 1 on}` for named values. Bits follow each other.
`data_id` of a protected message is its CAN id. A sample count tells that the values were measured anew.
"""

UNITS = {
    "DRIVE": "Drive unit: torque, blending, gear and parking lock",
    "BRAKE": "Brake unit: friction brakes, wheel speeds, inertial unit",
    "STEER": "Electric power steering",
    "BATTERY": "Battery management",
    "CHARGER": "On-board charger and fast charging",
    "BODY": "Body unit: lights, doors, windows, wipers",
    "COCKPIT": "Cockpit: screens, switches, cabin camera",
    "GATEWAY": "Gateway: time, power mode, low voltage",
    "PILOT": "The computer that runs Volant",
    "CAMERA": "Front camera with its lane finder, and the receiver of satellites",
    "RADAR_FRONT": "Long-range radar",
    "RADAR_FL": "Corner radar, front left",
    "RADAR_FR": "Corner radar, front right",
    "RADAR_RL": "Corner radar, rear left",
    "RADAR_RR": "Corner radar, rear right",
}

BUSES = {
    "chassis": "commands to the actuators, motion and driver",
    "powertrain": "drive, battery and charger",
    "body": "lights, doors, cabin and cockpit",
    "adas": "radars, camera and position",
}

YES = "{0 no, 1 yes}"
ON = "{0 off, 1 on}"
GEAR = "{0 park, 1 reverse, 2 neutral, 3 drive}"
INDICATOR = "{0 off, 1 left, 2 right, 3 hazard}"
STATE = "{0 init, 1 ok, 2 degraded, 3 failed}"
DOOR = "{0 closed, 1 open}"
SWITCH = "{0 off, 1 position, 2 daytime, 3 auto, 4 beam}"
AIR = "{0 up, 1 middle, 2 down}"
MARKS = (
    "{0 none, 1 solid, 2 broken, 3 solid_solid, 4 solid_broken, 5 broken_solid, 6 broken_broken, "
    "7 botts_dots, 8 curb, 9 grass, 10 edge}"
)

CHASSIS = f"""
PIL_Long 0x100 chassis PILOT 10 C 1: What the car shall do along its way; the last good one holds 85 ms
  Accel 15s 0.001 0 m/s2: Acceleration along x that is asked for
  Gear 3 1 0 -: Gear that is asked for {GEAR}
  Hold 1 1 0 -: Keep standing by the brakes {YES}
  Sample 4 1 0 -: Count of the pilot's ticks
  Brake4 1 1 0 -: Emergency braking is acting {YES}
PIL_Lat 0x101 chassis PILOT 10 C 1: Where the car shall go; the last good one holds 85 ms
  Curvature 20s 1e-06 0 1/m: Curvature of the path that is asked for, left positive
  Sample 4 1 0 -: Count of the pilot's ticks
PIL_Signals 0x102 chassis PILOT 20 B 1: Lamps that the pilot asks for; goes on to the body by the gateway
  Indicator 2 1 0 -: Direction indicators {INDICATOR}
  Sample 4 1 0 -: Count of the pilot's ticks
  Horn 1 1 0 -: Horn {ON}
  HighBeam 1 1 0 -: High beam {ON}
DRV_BrakeRequest 0x110 chassis DRIVE 10 C 1: Friction braking that the drive unit asks of the brake unit
  Force 17 0.5 0 N: Sum of the brake forces at the wheels
  Hold 1 1 0 -: The car is kept standing {YES}
  Locked 1 1 0 -: The parking lock is in {YES}
  BrakeLights 1 1 0 -: Brake lights shall be lit {ON}
  Sample 4 1 0 -: Count of the drive unit's ticks
  Regen 16 1 0 N: Force at the wheels that the motor brakes with
  SafeStop 1 1 0 -: The car is being stopped because commands stayed away {YES}
BRK_Speed 0x111 chassis BRAKE 10 C 1: Speed of the car
  Speed 14s 0.01 0 m/s: Along x, from the wheels; negative in reverse
  Sample 4 1 0 -: Count of measurements
  Standing 1 1 0 -: The wheels do not turn {YES}
  Pulses 12 1 0 -: Wheel pulses since the start, 0.02 m each, rolling over
  Quality 2 1 0 - =1: State of the wheel sensors {STATE}
BRK_Motion 0x112 chassis BRAKE 10 C 1: What the inertial unit measures along and about
  Accel 15s 0.001 0 m/s2: Along x, without gravity
  LateralAccel 15s 0.001 0 m/s2: Along y, without gravity
  YawRate 16s 0.0001 0 rad/s: About z, left positive
  Sample 4 1 0 -: Count of measurements
  Valid 1 1 0 - =1: Self-test passed {YES}
BRK_WheelsFront 0x113 chassis BRAKE 20 C 2: Speeds of the front wheels
  Left 14s 0.01 0 m/s: Front left
  Right 14s 0.01 0 m/s: Front right
  LeftSlip 1 1 0 -: Anti-lock acts {YES}
  RightSlip 1 1 0 -: Anti-lock acts {YES}
BRK_WheelsRear 0x114 chassis BRAKE 20 C 2: Speeds of the rear wheels
  Left 14s 0.01 0 m/s: Rear left
  Right 14s 0.01 0 m/s: Rear right
  LeftSlip 1 1 0 -: Anti-lock acts {YES}
  RightSlip 1 1 0 -: Anti-lock acts {YES}
BRK_Force 0x115 chassis BRAKE 20 C 1: What the friction brakes do
  Force 17 0.5 0 N: Sum at the wheels
  Front 12 0.1 0 bar: Pressure in the front circuit
  Rear 12 0.1 0 bar: Pressure in the rear circuit
  Ramp 1 1 0 -: Braking by itself because commands stay away {YES}
  PedalSwitch 1 1 0 -: The brake pedal is touched {YES}
BRK_Status 0x116 chassis BRAKE 50 C 1: State of the brake unit
  State 2 1 0 - =1: State of the unit {STATE}
  Abs 1 1 0 -: Anti-lock acts {YES}
  Stability 1 1 0 -: Stability control acts {YES}
  Traction 1 1 0 -: Traction control acts {YES}
  FluidLow 1 1 0 -: Brake fluid is low {YES}
  PadFront 7 1 0 % =100: Front pads that are left
  PadRear 7 1 0 % =100: Rear pads that are left
  Booster 2 1 0 - =1: State of the booster {STATE}
BRK_Parking 0x117 chassis BRAKE 100 B 1: Parking brake
  State 2 1 0 -: Parking brake {{0 released, 1 applied, 2 moving, 3 failed}}
  Held 1 1 0 -: Standstill is held by the brakes {YES}
  Grade 10s 0.001 0 rad: Uphill along the car
BRK_Tyres 0x118 chassis BRAKE 100 C 0: Tyres
  PressureFl 8 2 0 kPa =125: Front left
  PressureFr 8 2 0 kPa =125: Front right
  PressureRl 8 2 0 kPa =125: Rear left
  PressureRr 8 2 0 kPa =125: Rear right
  TempFl 8 1 -40 degC =60: Front left
  TempFr 8 1 -40 degC =60: Front right
  TempRl 8 1 -40 degC =60: Rear left
  TempRr 8 1 -40 degC =60: Rear right
STR_Angle 0x120 chassis STEER 10 C 1: Where the front wheels point
  Angle 14s 0.0001 0 rad: Mean angle of the front road wheels, left positive
  Rate 12s 0.001 0 rad/s: Speed of that angle
  Sample 4 1 0 -: Count of measurements
  Held 1 1 0 -: Holding by itself because commands stay away {YES}
  Valid 1 1 0 - =1: Angle sensor is calibrated {YES}
STR_Driver 0x121 chassis STEER 10 C 1: What the driver's hands do
  HandTorque 14s 0.01 0 Nm: Torque of the driver's hands at the wheel, left positive
  WheelAngle 15s 0.001 0 rad: Angle of the steering wheel, left positive
  HandsOn 1 1 0 -: Hands are on the wheel {YES}
  Sample 4 1 0 -: Count of measurements
STR_Status 0x122 chassis STEER 50 C 1: State of the steering
  State 2 1 0 - =1: State of the unit {STATE}
  MotorCurrent 12s 0.1 0 A: Current of the steering motor
  MotorTemp 8 1 -40 degC =65: Temperature of the steering motor
  Supply 8 0.1 0 V =135: Supply voltage
  Assist 7 1 0 % =100: Assistance that is available
"""

POWERTRAIN = f"""
DRV_Driver 0x200 powertrain DRIVE 10 C 1: The driver's feet
  Accelerator 10 0.001 0 -: Accelerator pedal, 0 to 1
  Brake 10 0.001 0 -: Brake pedal, 0 to 1
  Sample 4 1 0 -: Count of measurements
  AcceleratorB 10 0.001 0 -: Second track of the accelerator pedal, 0 to 1
DRV_Torque 0x201 powertrain DRIVE 10 C 1: What the motor gives
  Force 17s 0.5 0 N: At the driven wheels along x; against the motion it regenerates
  Torque 13s 0.2 0 Nm: At the motor's shaft
  Cut 1 1 0 -: Torque is off because commands stay away {YES}
  Sample 4 1 0 -: Count of the drive unit's ticks
DRV_Gear 0x202 powertrain DRIVE 20 B 1: Gear
  Gear 3 1 0 -: Gear that is in {GEAR}
  Ready 1 1 0 - =1: The car may be driven {YES}
  Hold 1 1 0 -: Standstill is held by the brakes {YES}
  Sample 4 1 0 -: Count of the drive unit's ticks
DRV_Motor 0x203 powertrain DRIVE 20 C 0: Motor
  Speed 16s 1 0 rpm: Speed of the shaft
  Current 14s 0.2 0 A: Direct current into the inverter
  Power 16s 10 0 W: Power at the wheels
  Shaft 18s 2 0 W: Power at the shaft
DRV_Limits 0x204 powertrain DRIVE 50 C 0: What the drive can do now
  MostForce 16 1 0 N: Most force forward
  MostRegen 16 1 0 N: Most regeneration
  Derated 1 1 0 -: Less than in full {YES}
DRV_Temps 0x205 powertrain DRIVE 100 C 0: Temperatures of the drive
  Motor 8 1 -40 degC =85: Winding
  Inverter 8 1 -40 degC =80: Power stage
  Gearbox 8 1 -40 degC =75: Oil
  CoolantIn 8 1 -40 degC =65: Coolant, in
  CoolantOut 8 1 -40 degC =68: Coolant, out
  Pump 7 1 0 % =30: Coolant pump
DRV_Range 0x206 powertrain DRIVE 100 C 2: Distances
  Odometer 32 0.1 0 m: Since the car was built
  Range 20 1 0 m: By the present charge and the recent consumption
DRV_Trip 0x208 powertrain DRIVE 200 C 0: Trip meter
  Distance 32 0.1 0 m: Since it was reset
DRV_Status 0x207 powertrain DRIVE 50 C 1: State of the drive unit
  State 2 1 0 - =1: State of the unit {STATE}
  Inverter 2 1 0 - =1: State of the inverter {STATE}
  Resolver 2 1 0 - =1: State of the shaft sensor {STATE}
  Pedal 2 1 0 - =1: State of the pedal sensors {STATE}
BAT_Pack 0x210 powertrain BATTERY 20 C 1: The pack at its terminals
  Voltage 16 0.01 0 V: Between the terminals
  Power 16s 10 0 W: Out of the battery; negative while charging
  Current 14s 0.1 0 A: Out of the battery
  Sample 4 1 0 -: Count of measurements
BAT_Charge 0x211 powertrain BATTERY 100 C 1: Charge of the pack
  Charge 14 0.01 0 %: Of the usable energy
  Health 10 0.1 0 % =1000: Of the capacity when new
  Temperature 11 0.1 -40 degC: Mean of the cells
  Sample 4 1 0 -: Count of measurements
  Energy 10 0.1 0 kWh: Usable energy that is left
BAT_Limits 0x212 powertrain BATTERY 50 C 1: What the pack allows
  Discharge 16 10 0 W: Most power out
  ChargePower 16 10 0 W: Most power in
  Derated 1 1 0 -: Less than in full {YES}
BAT_Cells 0x213 powertrain BATTERY 100 C 0: Cells
  Least 12 0.001 0 V: Lowest cell voltage
  Most 13 0.001 0 V: Highest cell voltage
  LeastIndex 8 1 0 -: Which is the lowest
  MostIndex 8 1 0 - =1: Which is the highest
  Balancing 1 1 0 -: Cells are being balanced {YES}
BAT_Temps 0x214 powertrain BATTERY 100 C 0: Temperatures of the pack
  Module1 11 0.1 -40 degC: Module 1
  Module2 11 0.1 -40 degC: Module 2
  Module3 11 0.1 -40 degC: Module 3
  Module4 11 0.1 -40 degC: Module 4
  Plate 11 0.1 -40 degC: Cooling plate
BAT_Contactors 0x215 powertrain BATTERY 50 C 1: High voltage
  Positive 1 1 0 - =1: Positive contactor {DOOR}
  Negative 1 1 0 - =1: Negative contactor {DOOR}
  Precharge 1 1 0 -: Precharge contactor {DOOR}
  Interlock 1 1 0 - =1: Interlock loop is whole {YES}
  Isolation 14 1 0 kOhm =8000: Resistance to the body
  State 2 1 0 - =1: State of the unit {STATE}
  Crash 1 1 0 -: A crash was told {YES}
BAT_Energy 0x216 powertrain BATTERY 200 C 0: Energy counters of the pack
  Consumed 32 1000 0 J: Out of it
  Recovered 32 1000 0 J: Into it by braking
BAT_Charged 0x217 powertrain BATTERY 200 C 0: Energy by cable, and heat
  Charged 32 1000 0 J: Into it by cable
  Loss 16 1 0 W: Heat in the pack
BAT_Conditioning 0x218 powertrain BATTERY 200 B 0: Warming of the pack
  Mode 2 1 0 -: What for {{0 off, 1 fast_charging, 2 driving}}
  Active 1 1 0 -: Its temperature is looked after {YES}
  Heater 14 1 0 W: Its heater
  Target 12 0.1 0 K: Wished; 0: none
  Until 30 1 0 s: Time of the car; 0: from now on
CHG_State 0x220 powertrain CHARGER 100 B 1: Charging
  Plug 2 1 0 -: What is plugged in {{0 none, 1 ac, 2 dc, 3 fault}}
  Lock 1 1 0 -: The plug is locked {YES}
  Charging 1 1 0 -: Current flows {YES}
  Flap 1 1 0 -: Charge flap {DOOR}
  State 2 1 0 - =1: State of the unit {STATE}
  TimeLeft 12 1 0 min =4095: Until the goal is reached; 4095: nothing flows
  Goal 7 1 0 % =80: Charge to stop at
  Wanted 1 1 0 - =1: Charging is wanted {YES}
CHG_Flow 0x224 powertrain CHARGER 200 B 1: Power at the inlet
  Power 18 1 0 W: Into the car
  Most 18 1 0 W: Greatest of this charging, or of the last
CHG_Station 0x225 powertrain CHARGER 200 B 0: Station and timer
  Kind 2 1 0 -: Of the station {{0 none, 1 ac, 2 dc}}
  Most 14 100 0 W: What it gives at most
  Timer 2 1 0 -: What the time means {{0 off, 1 start, 2 end}}
  At 30 1 0 s: Time of the car
CHG_Plan 0x226 powertrain CHARGER 200 B 0: What is planned, in the car's time
  Start 30 1 0 s =1073741823: Charging begins; 1073741823: it does not wait
  Cabin 30 1 0 s: The cabin is to be ready; 0: no wish
  CabinActive 1 1 0 -: The climate runs for it {YES}
CHG_Ac 0x221 powertrain CHARGER 100 C 0: Charging from the mains
  Voltage 12 0.1 0 V: Mains voltage
  Current 10 0.1 0 A: Mains current
  Phases 2 1 0 -: Phases in use
  Pilot 8 0.5 0 %: Duty of the control pilot
  Temp 8 1 -40 degC =60: Temperature of the charger
CHG_Dc 0x222 powertrain CHARGER 100 C 0: Fast charging
  Voltage 13 0.1 0 V: Voltage of the post
  Current 12 0.1 0 A: Current of the post
  WantedCurrent 12 0.1 0 A: Current that is asked for
  Inlet 8 1 -40 degC =60: Temperature of the inlet
CHG_LowVoltage 0x223 powertrain CHARGER 100 C 1: Converter to 12 V
  Voltage 8 0.1 0 V =138: Low voltage
  Current 12 0.1 0 A =180: Current into the low voltage
  Temp 8 1 -40 degC =70: Temperature of the converter
  State 2 1 0 - =1: State of the converter {STATE}
"""

BODY = f"""
BDY_Lights 0x300 body BODY 50 B 1: Lamps outside
  Indicator 2 1 0 -: Direction indicators as switched {INDICATOR}
  BrakeLights 1 1 0 -: Brake lights {ON}
  LowBeam 1 1 0 -: Low beam {ON}
  HighBeam 1 1 0 -: High beam {ON}
  DayLights 1 1 0 - =1: Daytime running lights {ON}
  FogRear 1 1 0 -: Rear fog lamp {ON}
  Reverse 1 1 0 -: Reversing lamp {ON}
  LampFault 8 1 0 -: Bits of broken lamps
  Alone 1 1 0 -: Hazard lights by itself because commands stay away {YES}
  Sample 4 1 0 -: Count of the body unit's ticks
  Switch 3 1 0 - =3: Light switch {SWITCH}
  Parking 1 1 0 -: Parking lamps {ON}
  FogFront 1 1 0 -: Front fog lamps {ON}
BDY_Doors 0x301 body BODY 100 B 1: Doors and lids
  AllClosed 1 1 0 - =1: Every door is closed {YES}
  FrontLeft 1 1 0 -: Front left {DOOR}
  FrontRight 1 1 0 -: Front right {DOOR}
  RearLeft 1 1 0 -: Rear left {DOOR}
  RearRight 1 1 0 -: Rear right {DOOR}
  Boot 1 1 0 -: Boot lid {DOOR}
  Bonnet 1 1 0 -: Bonnet {DOOR}
  Locked 1 1 0 - =1: Locked {YES}
  ChildLeft 1 1 0 -: Child lock, left {ON}
  ChildRight 1 1 0 -: Child lock, right {ON}
BDY_Belts 0x302 body BODY 100 B 1: Belts and seats taken
  Driver 1 1 0 - =1: Driver's belt {{0 open, 1 fastened}}
  Passenger 1 1 0 -: Passenger's belt {{0 open, 1 fastened}}
  RearLeft 1 1 0 -: Rear left belt {{0 open, 1 fastened}}
  RearMiddle 1 1 0 -: Rear middle belt {{0 open, 1 fastened}}
  RearRight 1 1 0 -: Rear right belt {{0 open, 1 fastened}}
  DriverSeat 1 1 0 - =1: Driver's seat is taken {YES}
  PassengerSeat 1 1 0 -: Passenger's seat is taken {YES}
  RearLeftSeat 1 1 0 -: Rear left seat is taken {YES}
  RearMiddleSeat 1 1 0 -: Rear middle seat is taken {YES}
  RearRightSeat 1 1 0 -: Rear right seat is taken {YES}
BDY_Windows 0x303 body BODY 200 B 0: Windows, 0 % is closed
  FrontLeft 7 1 0 %: Front left
  FrontRight 7 1 0 %: Front right
  RearLeft 7 1 0 %: Rear left
  RearRight 7 1 0 %: Rear right
  Roof 7 1 0 %: Roof
  Pinched 4 1 0 -: Bits of windows that met something
BDY_Wipers 0x304 body BODY 200 B 0: Wipers and rain
  Front 3 1 0 -: Front wiper {{0 off, 1 slow, 2 medium, 3 fast, 4 interval, 5 rain_sensor}}
  Rear 2 1 0 -: Rear wiper {{0 off, 1 interval, 2 slow, 3 fast}}
  Wash 1 1 0 -: Washer {ON}
  Rain 7 1 0 %: Rain sensor
  FluidLow 1 1 0 -: Washer fluid is low {YES}
  Light 14 1 0 lx =10000: Light outside
  Intensity 3 1 0 - =2: Of the interval
  Cycles 7 1 0 1/min: Front wiper, wipes a minute
BDY_Mirrors 0x305 body BODY 200 B 0: Mirrors
  LeftFolded 1 1 0 -: Left, folded in {YES}
  RightFolded 1 1 0 -: Right, folded in {YES}
  LeftHeated 1 1 0 -: Left, heating {ON}
  RightHeated 1 1 0 -: Right, heating {ON}
  LeftPan 9s 0.5 0 %: Left, sideways
  LeftTilt 9s 0.5 0 %: Left, up
  RightPan 9s 0.5 0 %: Right, sideways
  RightTilt 9s 0.5 0 %: Right, up
BDY_Seats 0x306 body BODY 200 B 0: Driver's seat
  DriverSlide 8 0.001 0 m =120: Along
  DriverHeight 7 0.001 0 m =30: Height
  DriverBack 11s 0.001 0 rad =400: Backrest
  DriverTilt 9s 0.001 0 rad =50: Cushion
BDY_Climate 0x307 body BODY 200 B 0: Climate
  Inside 11 0.1 -40 degC =600: Inside
  Outside 11 0.1 -40 degC =600: Outside
  Power 14 1 0 W: Power of heater, compressor and heated parts
  Active 1 1 0 - =1: Air conditioning {ON}
  Recirculation 1 1 0 -: Recirculation {ON}
  Defrost 1 1 0 -: Defrosting {ON}
BDY_Status 0x308 body BODY 100 C 1: State of the body unit
  State 2 1 0 - =1: State of the unit {STATE}
  Supply 8 0.1 0 V =138: Supply voltage
  Horn 1 1 0 -: Horn {ON}
  Alarm 2 1 0 -: Alarm {{0 off, 1 armed, 2 sounding, 3 fault}}
  Refused 16 1 0 -: Requests that were not carried out since boot
BDY_Angles 0x309 body BODY 200 B 1: How far doors are open
  FrontLeft 10 0.1 0 %: Front left
  FrontRight 10 0.1 0 %: Front right
  RearLeft 10 0.1 0 %: Rear left
  RearRight 10 0.1 0 %: Rear right
BDY_Lids 0x30a body BODY 200 B 1: How far lids are open
  Boot 10 0.1 0 %: Boot lid
  Bonnet 10 0.1 0 %: Bonnet
  BootLocked 1 1 0 -: Boot lid is locked {YES}
BDY_Locks 0x30b body BODY 200 B 1: Locks of each door
  FrontLeft 1 1 0 -: Front left is locked {YES}
  FrontRight 1 1 0 -: Front right is locked {YES}
  RearLeft 1 1 0 -: Rear left is locked {YES}
  RearRight 1 1 0 -: Rear right is locked {YES}
  ChildFrontLeft 1 1 0 -: Child lock, front left {ON}
  ChildFrontRight 1 1 0 -: Child lock, front right {ON}
  ChildRearLeft 1 1 0 -: Child lock, rear left {ON}
  ChildRearRight 1 1 0 -: Child lock, rear right {ON}
  Windows 1 1 0 -: Switches of the rear windows are dead {YES}
BDY_SeatsRight 0x30c body BODY 200 B 0: Passenger's seat
  Slide 8 0.001 0 m =120: Along
  Height 7 0.001 0 m =30: Height
  Back 11s 0.001 0 rad =400: Backrest
  Tilt 9s 0.001 0 rad =50: Cushion
BDY_Heats 0x30d body BODY 200 B 0: Heated seats, wheel and screens; below 0 cooling
  FrontLeft 8s 1 0 %: Seat, front left
  FrontRight 8s 1 0 %: Seat, front right
  RearLeft 8s 1 0 %: Seat, rear left
  RearRight 8s 1 0 %: Seat, rear right
  Wheel 8s 1 0 %: Steering wheel
  ScreenFront 1 1 0 -: Windscreen {ON}
  ScreenRear 1 1 0 -: Rear screen {ON}
BDY_Air 0x30e body BODY 200 B 0: Air of the front seats
  WantedLeft 9 0.1 10 degC =110: Left
  WantedRight 9 0.1 10 degC =110: Right
  FanLeft 7 1 0 % =30: Left
  FanRight 7 1 0 % =30: Right
  WayLeft 2 1 0 - =1: Left {AIR}
  WayRight 2 1 0 - =1: Right {AIR}
BDY_Cabin 0x30f body BODY 200 B 0: Lamps inside, and where the wheel stands
  Dome 1 1 0 -: Dome lamp {ON}
  Glove 1 1 0 -: Glove box {ON}
  AmbientLeft 1 1 0 -: Ambient, left {ON}
  AmbientRight 1 1 0 -: Ambient, right {ON}
  ReadingLeft 1 1 0 -: Reading, left {ON}
  ReadingRight 1 1 0 -: Reading, right {ON}
  AmbientLeftLevel 7 1 0 % =50: Ambient, left
  AmbientRightLevel 7 1 0 % =50: Ambient, right
  ReadingLeftLevel 7 1 0 % =100: Reading, left
  ReadingRightLevel 7 1 0 % =100: Reading, right
  WheelReach 7 1 0 % =50: Steering wheel, out
  WheelTilt 7 1 0 % =50: Steering wheel, up
BDY_Impact 0x330 body BODY 200 B 1: What the crash sensors have felt
  Count 16 1 0 -: Impacts since boot
  Closing 14 0.01 0 m/s: Of the last: how fast the two came together
  Behind 1 1 0 -: The last one came from behind {YES}
CPT_Watch 0x310 body COCKPIT 50 B 1: What the cabin camera sees of the driver
  EyesOn 1 1 0 - =1: The driver looks at the road {YES}
  Sample 4 1 0 -: Count of measurements
  Drowsy 7 1 0 %: Drowsiness
  Present 1 1 0 - =1: Somebody sits there {YES}
  State 2 1 0 - =1: State of the camera {STATE}
CPT_Choices 0x311 body COCKPIT 100 B 1: What the driver has chosen
  SetSpeed 12 0.02 0 m/s: Set speed, 0 is none
  TimeGap 6 0.1 0 s =16: Gap to the car ahead
  Offset 8s 0.1 0 m/s: To the speed limit
  Functions 13 1 0 - =8191: Bits of the functions that are on
CPT_Presses 0x312 body COCKPIT 100 X 1: Buttons and stalks
  Engage 1 1 0 -: Engage {ON}
  Cancel 1 1 0 -: Cancel {ON}
  Plus 1 1 0 -: Faster {ON}
  Minus 1 1 0 -: Slower {ON}
  GapPlus 1 1 0 -: More gap {ON}
  GapMinus 1 1 0 -: Less gap {ON}
  Stalk 2 1 0 -: Indicator stalk {INDICATOR}
  Hazard 1 1 0 -: Hazard switch {ON}
  Horn 1 1 0 -: Horn {ON}
CPT_Display 0x313 body COCKPIT 100 C 0: Screens
  Brightness 7 1 0 % =80: Brightness
  Alive 1 1 0 - =1: The screen shows what is new {YES}
  Night 1 1 0 -: Night colours {ON}
  Volume 7 1 0 % =40: Volume
  Temp 8 1 -40 degC =75: Temperature of the computer
GTW_Power 0x320 body GATEWAY 100 B 1: Power mode
  Mode 3 1 0 - =4: Mode {{0 off, 1 sleep, 2 wake, 3 parked, 4 ready, 5 driving, 6 shutdown}}
  Supply 8 0.1 0 V =138: Low voltage
  Battery12 7 1 0 % =90: Charge of the 12 V battery
  Key 1 1 0 - =1: A key is in the car {YES}
GTW_Time 0x321 body GATEWAY 100 C 0: Time since boot
  Uptime 40 0.001 0 s: Since the boot
GTW_Buses 0x322 body GATEWAY 100 C 0: State of the buses
  Chassis 2 1 0 - =1: Chassis {STATE}
  Powertrain 2 1 0 - =1: Powertrain {STATE}
  Body 2 1 0 - =1: Body {STATE}
  Adas 2 1 0 - =1: Driver assistance {STATE}
  Routed 20 1 0 -: Frames routed, rolling over
"""

RADAR = """
{prefix}_Status {id:#x} adas {unit} 50 C 2: State of the {where}
  State 2 1 0 - =1: State of the unit {{0 init, 1 ok, 2 degraded, 3 failed}}
  Objects 7 1 0 -: Objects in the last list, which goes by Ethernet
  Cycle 12 1 0 -: Count of lists
  Blocked 1 1 0 -: Something covers the sensor {{0 no, 1 yes}}
  Interference 7 1 0 %: Interference
  Temp 8 1 -40 degC =70: Temperature
"""

ADAS = f"""
CAM_Lane1 0x410 adas CAMERA 50 C 1: Own lane: where the car is in it
  Offset 14s 0.001 0 m: Of the car's origin from the lane's centre, left positive
  Heading 14s 0.0001 0 rad: Of the car relative to the lane
  Curvature 20s 1e-06 0 1/m: Of the lane
  Sample 4 1 0 -: Count of pictures
CAM_Lane2 0x411 adas CAMERA 50 C 1: Own lane: what bounds it
  Width 10 0.01 0 m: Of the lane
  LeftMark 4 1 0 -: Left border {MARKS}
  RightMark 4 1 0 -: Right border {MARKS}
  Confidence 10 0.001 0 -: 0 to 1
  LanesLeft 4 1 0 - =15: Further lanes of our direction to the left, 15 is not known
  LanesRight 4 1 0 - =15: Further lanes of our direction to the right, 15 is not known
  Age 8 1 0 ms: Of the picture
  Sample 4 1 0 -: Count of pictures
  Seen 1 1 0 -: A lane was found in the last 200 ms {YES}
CAM_Status 0x412 adas CAMERA 100 C 1: State of the camera
  State 2 1 0 - =1: State of the unit {STATE}
  Blinded 1 1 0 -: The sun blinds it {YES}
  Dirty 7 1 0 %: Dirt on the pane
  Pitch 10s 0.001 0 rad: Calibrated pitch
  Height 8 0.01 0 m =135: Calibrated height
GNS_Place 0x420 adas CAMERA 100 C 1: Place on the map
  X 24s 0.01 0 m: East
  Y 24s 0.01 0 m: North
  Sample 4 1 0 -: Count of fixes
GNS_Course 0x421 adas CAMERA 100 C 1: Course and quality
  Z 16s 0.01 0 m: Height
  Yaw 16s 0.0001 0 rad: Heading, from east, left positive
  Sigma 8 0.02 0 m: Standard deviation of the place
  Age 8 1 0 ms: Of the fix
  Sample 4 1 0 -: Count of fixes
GNS_Status 0x422 adas CAMERA 100 C 0: Satellites
  Used 6 1 0 - =12: Satellites in use
  Fix 2 1 0 - =3: Fix {{0 none, 1 time, 2 flat, 3 full}}
  Correction 1 1 0 - =1: Corrections are received {YES}
""" + "".join(
    RADAR.format(prefix=prefix, id=number, unit=unit, where=where).lstrip("\n")
    for number, (prefix, unit, where) in enumerate(
        (
            ("RDF", "RADAR_FRONT", "long-range radar"),
            ("RFL", "RADAR_FL", "corner radar, front left"),
            ("RFR", "RADAR_FR", "corner radar, front right"),
            ("RRL", "RADAR_RL", "corner radar, rear left"),
            ("RRR", "RADAR_RR", "corner radar, rear right"),
        ),
        start=0x430,
    )
)

ROUTED = {
    "PIL_Signals": ("body",),
    "DRV_BrakeRequest": ("body",),
    "BRK_Speed": ("body", "adas"),
    "DRV_Gear": ("body",),
}
"""What the gateway copies from the bus it is sent on to others; protection stays end to end."""

RECEIVERS = {
    "PIL_Long": "DRIVE",
    "PIL_Lat": "STEER",
    "PIL_Signals": "GATEWAY,BODY",
    "DRV_BrakeRequest": "BRAKE,GATEWAY,BODY,PILOT",
    "BRK_Speed": "STEER,GATEWAY,COCKPIT,PILOT",
    "DRV_Gear": "GATEWAY,BODY,PILOT",
}
"""Who hears a message where it is not the pilot's computer alone."""

TABLE = CHASSIS + POWERTRAIN + BODY + ADAS
